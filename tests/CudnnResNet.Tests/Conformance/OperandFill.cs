using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// Numbers for a problem's inputs, the same for the same line everywhere, of the sizes that occur in training:
/// activations around one, filters scaled by their fan-in, positive deviations, labels and window positions in range.
/// </summary>
internal sealed class OperandFill(Problem problem)
{
    private readonly Random _random = new((int)Hash(problem.Line));

    /// <summary>One array for each of <see cref="Problem.Inputs"/>, rounded to the operand's element type.</summary>
    public Dictionary<ValueId, double[]> Inputs()
    {
        Dictionary<ValueId, double[]> inputs = [];
        foreach (ValueId id in problem.Inputs)
            inputs.Add(id, StorageFormat.Round(FirstUse(id), problem[id].Type));
        return inputs;
    }

    private double[] FirstUse(ValueId id)
    {
        foreach (Node node in problem.Nodes)
            if (node.Inputs.IndexOf(id) is int slot && slot >= 0)
                return Values(node.Operation, slot, problem[id].Shape, problem[id].Type);
        throw new InvalidOperationException($"{id} is no input of {problem}.");
    }

    private double[] Values(Operation operation, int slot, TensorShape shape, DataType type) => (operation, slot) switch
    {
        (ConvolutionForward { Geometry: var g }, 1) => Normal(shape, 1 / Math.Sqrt(g.R * g.S * g.C)),
        (ConvolutionBackwardData { Geometry: var g }, 1) => Normal(shape, 1 / Math.Sqrt(g.R * g.S * g.K)),
        (Linear l, 1) => Normal(shape, 1 / Math.Sqrt(l.InFeatures)),
        (LinearBackwardData l, 1) => Normal(shape, 1 / Math.Sqrt(l.OutFeatures)),
        (BatchNormTraining, 0) => OffCentre(shape, type is DataType.BFloat16 or DataType.Float16 ? 30 : 1000),
        (BatchNormTraining or BatchNormInference or BatchNormApply or ScaleBias, 1) => Uniform(shape, 0.5, 1.5),
        (BatchNormBackward or NormReluBackward, 2) => Uniform(shape, 0.5, 1.5),
        (NormReluBackward, 4) => Normal(shape, 0.2),
        (NormReluBackward, 5) => Uniform(shape, 0.5, 2),
        (BatchNormTraining or BatchNormInference or BatchNormApply or BatchNormBackward, 4) => Uniform(shape, 0.5, 2),
        (BatchNormInference or BatchNormApply or BatchNormBackward, 3) => Normal(shape, 0.2),
        (ReluBackward, 1) => Array.ConvertAll(Normal(shape, 1), value => Math.Max(value, 0)),
        (MaxPool, 0) => Array.ConvertAll(Normal(shape, 1), value => Math.Round(2 * value) / 2),
        (MaxPoolBackward { Geometry: var g }, 1) => WindowPositions(shape, g),
        (SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward, 1) => Labels(shape, LabelCount()),
        (SigmoidCrossEntropy or SigmoidCrossEntropyBackward, 1) => Labels(shape, 2),
        (SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward, 0) => Normal(shape, 4),
        (SigmoidCrossEntropy or SigmoidCrossEntropyBackward, 0) => Normal(shape, 10),
        (SgdUpdate, 3) => [0.1],
        (SgdUpdate { IsGuarded: true } update, _) when slot == 4 + (update.IsScaled ? 1 : 0) + (update.IsTrusted ? 1 : 0) => [0],
        (Blend, 2) or (FindOverflow, 1) => [0],
        (FindOverflow, 0) => WithInfinity(shape),
        (Scale, 1) or (AdjustLossScale, 1) => [1024],
        (ClipScale, 1) => [1.0 / 1024],
        (AdjustLossScale, 0) => [_random.Next(2)],
        (AdjustLossScale, > 1) => [_random.Next(4)],
        (SgdUpdate, > 3) or (TrustRatio, 2) => [0.7],
        (ClipScale or TrustRatio, _) or (SquaredSum, 1) => Uniform(shape, 1, 30),
        _ => Normal(shape, 1),
    };

    private int LabelCount() => problem.Nodes[^1].Operation is SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward
        ? problem.Input(problem.Nodes.Length - 1, 0).Shape.C
        : throw new InvalidOperationException($"{problem} goes on after its loss.");

    private double[] Normal(TensorShape shape, double deviation) => Draw(shape, _ =>
        deviation * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));

    private double[] Uniform(TensorShape shape, double from, double to) =>
        Draw(shape, _ => from + (to - from) * _random.NextDouble());

    /// <summary>Every third channel lies far from zero, where E[x²] - E[x]² would lose the variance.</summary>
    private double[] OffCentre(TensorShape shape, double offset)
    {
        double[] values = Normal(shape, 1);
        for (int i = 0; i < values.Length; i++)
            values[i] += i % shape.C % 3 == 2 ? offset : 0;
        return values;
    }

    private double[] WithInfinity(TensorShape shape)
    {
        double[] values = Normal(shape, 1);
        if (values.Length % 2 == 1)
            values[^1] = double.NegativeInfinity;
        return values;
    }

    private double[] Labels(TensorShape shape, int count) => Draw(shape, _ => _random.Next(count));

    /// <summary>Any position of the window that lies inside the image; neighbouring windows often share a pixel.</summary>
    private double[] WindowPositions(TensorShape shape, PoolGeometry g) => Draw(shape, i =>
    {
        int top = i / (g.Q * g.C) % g.P * g.Stride - g.Padding;
        int left = i / g.C % g.Q * g.Stride - g.Padding;
        while (true)
        {
            (int r, int s) = (_random.Next(g.Window), _random.Next(g.Window));
            if (top + r >= 0 && top + r < g.H && left + s >= 0 && left + s < g.W)
                return r * g.Window + s;
        }
    });

    private static double[] Draw(TensorShape shape, Func<int, double> next)
    {
        double[] values = new double[shape.Elements];
        for (int i = 0; i < values.Length; i++)
            values[i] = next(i);
        return values;
    }

    /// <summary>FNV-1a: the runtime's string hash differs from run to run.</summary>
    private static uint Hash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
            hash = (hash ^ c) * 16777619;
        return hash;
    }
}
