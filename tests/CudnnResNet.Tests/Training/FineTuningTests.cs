using CudnnResNet.Autodiff;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>Parts of a network that learn slower or not at all, and batch norms that keep their statistics.</summary>
public class FineTuningTests
{
    private const int Batch = 4;
    private const int Size = 10;
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };
    private static readonly double[] Images = GoldenFill.Input("fine-tuning", Batch * Size * Size * 3);
    private static readonly int[] Labels = [0, 2, 1, 2];

    /// <summary>The first step without momentum and decay is rate times gradient: a factor scales exactly its part.</summary>
    [Fact]
    public void AFactorScalesTheStepOfItsPart()
    {
        Dictionary<string, double[]> plain = StepsOf([], rate: 0.1);
        Dictionary<string, double[]> factors = StepsOf([new("layer4.", 0.25), new("fc.", 1), new("", 0.5)], rate: 0.1);
        foreach ((string name, double[] step) in plain)
        {
            double factor = name.StartsWith("layer4.", StringComparison.Ordinal) ? 0.25 : name.StartsWith("fc.", StringComparison.Ordinal) ? 1 : 0.5;
            if (name.Contains("running", StringComparison.Ordinal))
                factor = 1;
            for (int i = 0; i < step.Length; i++)
                Assert.Equal(factor * step[i], factors[name][i], 1e-12);
        }
    }

    [Fact]
    public void FrozenPartsStayAndHaveNoGradients()
    {
        Dictionary<string, double[]> steps = StepsOf([new("fc.", 1), new("", 0)], rate: 0.1);
        Assert.All(steps.Where(step => step.Key.StartsWith("fc.", StringComparison.Ordinal)), step => Assert.Contains(step.Value, x => x != 0));
        Assert.All(steps.Where(step => !step.Key.StartsWith("fc.", StringComparison.Ordinal) && !step.Key.Contains("running", StringComparison.Ordinal)),
            step => Assert.All(step.Value, x => Assert.Equal(0, x)));

        using ReferenceBackend backend = new(2);
        using TrainingSession session = Session(backend, new SgdOptions(0.9, 1e-4) { RateFactors = [new("fc.", 1), new("", 0)], AverageDecay = 0.9, ClipNorm = 1 });
        session.LoadWeights(Fresh(session));
        session.Step(Images, Labels, 0.1);
        Assert.Equal(["fc.bias", "fc.weight"], session.ReadGradients().Select(gradient => gradient.Name).Order());
        // The average has every weight, frozen or not.
        Assert.Equal(session.SaveWeights().Tensors.Keys.Order(), session.SaveAverage()!.Tensors.Keys.Order());
        ResNetException refused = Assert.Throws<ResNetException>(() => Session(backend, new SgdOptions(0.9, 0) { RateFactors = [new("", 0)] }));
        Assert.Contains("Every parameter is frozen", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>With frozen batch norms the loss is that of the network that serves, and nothing of a batch norm changes.</summary>
    [Fact]
    public void FrozenBatchNormsServeTheirStatistics()
    {
        using ReferenceBackend backend = new(2);
        using TrainingSession session = Session(backend, new SgdOptions(0.9, 1e-2), frozen: true);
        NetworkWeights weights = WithStatistics(Fresh(session));
        session.LoadWeights(weights);
        double loss = session.Step(Images, Labels, 0.1);
        Assert.Equal(LossOf(backend, weights), loss, 1e-9);
        foreach ((string name, NamedTensor tensor) in session.SaveWeights().Tensors)
        {
            bool isBatchNorm = name.Contains("bn", StringComparison.Ordinal) || name.Contains("downsample.1", StringComparison.Ordinal);
            Assert.Equal(isBatchNorm, tensor.ToDoubles().SequenceEqual(weights.Tensors[name].ToDoubles()));
        }
    }

    /// <summary>Gradients through frozen batch norms are the slopes of the serving network's loss, by central differences.</summary>
    [Theory]
    [InlineData("conv1.weight")]
    [InlineData("layer2.0.downsample.0.weight")]
    [InlineData("layer4.1.conv2.weight")]
    [InlineData("fc.bias")]
    public void GradientsThroughFrozenBatchNormsAreSlopes(string name)
    {
        using ReferenceBackend backend = new(2);
        using TrainingSession session = Session(backend, new SgdOptions(0, 0), frozen: true);
        NetworkWeights weights = WithStatistics(Fresh(session));
        session.LoadWeights(weights);
        session.Step(Images, Labels, 0);
        double[] gradient = session.ReadGradients().Single(tensor => tensor.Name == name).ToDoubles();
        double[] direction = GoldenFill.Input(name, gradient.Length);
        const double h = 1e-5;
        double slope = (LossOf(backend, Moved(weights, name, direction, h)) - LossOf(backend, Moved(weights, name, direction, -h))) / (2 * h);
        double expected = gradient.Zip(direction, (g, d) => g * d).Sum();
        Assert.Equal(expected, slope, 1e-5 * Math.Max(1, Math.Abs(expected)));
    }

    private static TrainingSession Session(IBackend backend, SgdOptions optimizer, bool frozen = false) => TrainingSession.Create(
        Spec, Batch, Size, Size, Precision.Fp64, new StepOptions(optimizer, KeepGradients: true, FrozenBatchNorm: frozen), backend, GoldenNetwork.Untuned);

    private static NetworkWeights Fresh(TrainingSession session) => WeightInitialization.Create(session.WeightValues, seed: 7);

    private static Dictionary<string, double[]> StepsOf(RateFactor[] factors, double rate)
    {
        using ReferenceBackend backend = new(2);
        using TrainingSession session = Session(backend, new SgdOptions(0, 0) { RateFactors = [.. factors] });
        NetworkWeights before = Fresh(session);
        session.LoadWeights(before);
        session.Step(Images, Labels, rate);
        return session.SaveWeights().Tensors.ToDictionary(entry => entry.Key,
            entry => entry.Value.ToDoubles().Zip(before.Tensors[entry.Key].ToDoubles(), (after, b) => after - b).ToArray());
    }

    /// <summary>Statistics that are neither 0 nor 1, so that they tell.</summary>
    private static NetworkWeights WithStatistics(NetworkWeights weights) => new(weights.Tensors.ToDictionary(entry => entry.Key, entry =>
    {
        NamedTensor tensor = entry.Value;
        double[] values = tensor.ToDoubles();
        for (int i = 0; i < values.Length; i++)
            values[i] = entry.Key.EndsWith("running_mean", StringComparison.Ordinal) ? 0.1 * Math.Sin(i)
                : entry.Key.EndsWith("running_var", StringComparison.Ordinal) ? 0.6 + 0.3 * Math.Cos(i)
                : values[i];
        return NamedTensor.FromDoubles(entry.Key, tensor.Shape.AsSpan(), values);
    }), "with statistics");

    private static NetworkWeights Moved(NetworkWeights weights, string name, double[] direction, double h) => new(weights.Tensors.ToDictionary(entry => entry.Key,
        entry => entry.Key != name ? entry.Value : NamedTensor.FromDoubles(name, entry.Value.Shape.AsSpan(),
            [.. entry.Value.ToDoubles().Zip(direction, (w, d) => w + h * d)])), "moved");

    private static double LossOf(IBackend backend, NetworkWeights weights)
    {
        using InferenceSession session = InferenceSession.Create(Spec, Batch, Size, Size, Precision.Fp64, backend, GoldenNetwork.Untuned);
        session.LoadWeights(weights);
        session.WriteImages(Images);
        session.Run();
        double[] logits = new double[session.LogitElements];
        session.ReadLogits(logits);
        double loss = 0;
        for (int n = 0; n < Batch; n++)
        {
            double[] row = logits[(n * 3)..(n * 3 + 3)];
            loss += Math.Log(row.Sum(Math.Exp)) - row[Labels[n]];
        }
        return loss / Batch;
    }
}
