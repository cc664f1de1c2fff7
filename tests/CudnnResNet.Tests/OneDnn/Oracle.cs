using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>Every operation in double precision by its definition, one element at a time; written to be read, not run fast.</summary>
internal sealed class Oracle
{
    private readonly Problem _problem;
    private readonly double[][] _values;

    private Oracle(Problem problem, double[][] values) => (_problem, _values) = (problem, values);

    /// <summary>Computes all values from the inputs; inputs that change in place are replaced by new arrays.</summary>
    internal static double[][] Run(Problem problem, double[][] inputs)
    {
        Oracle oracle = new(problem, [.. inputs.Select(v => (double[])v.Clone())]);
        foreach (Node node in problem.Nodes)
        {
            oracle.Compute(node);
            foreach (ValueId id in node.Outputs)
                if (problem.IsMaterialised(id) && problem[id].Type == DataType.BFloat16)
                    oracle._values[id.Index] = [.. oracle._values[id.Index].Select(TestData.RoundToBFloat16)];
        }
        return oracle._values;
    }

    private double[] In(Node node, int slot) => _values[node.Inputs[slot].Index];

    private void Out(Node node, int slot, double[] value) => _values[node.Outputs[slot].Index] = value;

    /// <summary>A weight as it is read beside activations of the given type.</summary>
    private double[] Weight(Node node, int slot, DataType activations) => activations == DataType.BFloat16
        ? [.. In(node, slot).Select(TestData.RoundToBFloat16)]
        : In(node, slot);

    private void Compute(Node node)
    {
        TensorShape shape = _problem[node.Inputs[0]].Shape;
        DataType type = _problem[node.Inputs[0]].Type;
        switch (node.Operation)
        {
            case ConvolutionForward { Geometry: var g }:
                Out(node, 0, Convolve(g, shape.N, (x, w, y, result) => result[y] += In(node, 0)[x] * Weights()[w],
                    shape.N * g.P * g.Q * g.K));
                if (node.Inputs.Length == 3)
                    for (int i = 0; i < _values[node.Outputs[0].Index].Length; i++)
                        _values[node.Outputs[0].Index][i] += In(node, 2)[i % g.K];
                break;
            case ConvolutionBackwardData { Geometry: var g }:
                Out(node, 0, Convolve(g, shape.N, (x, w, y, result) => result[x] += In(node, 0)[y] * Weights()[w],
                    shape.N * g.H * g.W * g.C));
                break;
            case ConvolutionBackwardFilter { Geometry: var g }:
                Out(node, 0, Convolve(g, shape.N, (x, w, y, result) => result[w] += In(node, 0)[x] * In(node, 1)[y],
                    g.K * g.R * g.S * g.C));
                break;
            case ChannelSum:
                double[] db = new double[shape.C];
                for (int i = 0; i < In(node, 0).Length; i++)
                    db[i % shape.C] += In(node, 0)[i];
                Out(node, 0, db);
                break;
            case BatchNormTraining bn:
                TrainBatchNorm(node, bn, shape.C);
                break;
            case BatchNormInference bn:
                Out(node, 0, Map(node, (v, c) => (v - In(node, 3)[c]) / Math.Sqrt(In(node, 4)[c] + bn.Epsilon) * In(node, 1)[c] + In(node, 2)[c]));
                break;
            case BatchNormApply:
                Out(node, 0, Map(node, (v, c) => (v - In(node, 3)[c]) * In(node, 4)[c] * In(node, 1)[c] + In(node, 2)[c]));
                break;
            case BatchNormBackward:
                DifferentiateBatchNorm(node, shape.C);
                break;
            case ScaleBias:
                Out(node, 0, Map(node, (v, c) => v * In(node, 1)[c] + In(node, 2)[c]));
                break;
            case Relu:
                Out(node, 0, Map(node, (v, _) => Math.Max(v, 0)));
                break;
            case ReluBackward:
                Out(node, 0, [.. In(node, 0).Zip(In(node, 1), (dy, y) => y > 0 ? dy : 0)]);
                break;
            case Add:
                Out(node, 0, [.. In(node, 0).Zip(In(node, 1), (a, b) => a + b)]);
                break;
            case MaxPool { Geometry: var g }:
                Pool(node, g, shape.N);
                break;
            case MaxPoolBackward { Geometry: var g }:
                Unpool(node, g, shape.N);
                break;
            case GlobalAveragePool:
                double[] means = new double[shape.N * shape.C];
                for (int i = 0; i < In(node, 0).Length; i++)
                    means[i / (shape.H * shape.W * shape.C) * shape.C + i % shape.C] += In(node, 0)[i] / (shape.H * shape.W);
                Out(node, 0, means);
                break;
            case GlobalAveragePoolBackward pool:
                int positions = pool.Height * pool.Width;
                double[] spread = new double[shape.D0 * positions * shape.C];
                for (int i = 0; i < spread.Length; i++)
                    spread[i] = In(node, 0)[i / (positions * shape.C) * shape.C + i % shape.C] / positions;
                Out(node, 0, spread);
                break;
            case Linear l:
                Out(node, 0, Product(shape.D0, l.OutFeatures, l.InFeatures,
                    (n, k, c) => In(node, 0)[n * l.InFeatures + c] * Weights()[k * l.InFeatures + c]));
                for (int i = 0; i < _values[node.Outputs[0].Index].Length; i++)
                    _values[node.Outputs[0].Index][i] += In(node, 2)[i % l.OutFeatures];
                break;
            case LinearBackwardData l:
                double[] weight = Weight(node, 1, l.ActivationType);
                Out(node, 0, Product(shape.D0, l.InFeatures, l.OutFeatures,
                    (n, c, k) => In(node, 0)[n * l.OutFeatures + k] * weight[k * l.InFeatures + c]));
                break;
            case LinearBackwardFilter l:
                Out(node, 0, Product(l.OutFeatures, l.InFeatures, shape.D0,
                    (k, c, n) => In(node, 0)[n * l.InFeatures + c] * In(node, 1)[n * l.OutFeatures + k]));
                break;
            case SoftmaxCrossEntropy loss:
                Out(node, 0, [Softmax(node, shape, loss.Smoothing, null)]);
                break;
            case SoftmaxCrossEntropyBackward loss:
                double[] dz = new double[shape.Elements];
                Softmax(node, shape, loss.Smoothing, dz);
                Out(node, 0, dz);
                break;
            case SigmoidCrossEntropy loss:
                Out(node, 0, [In(node, 0).Select((z, i) =>
                {
                    double t = Target(node, i, loss.Smoothing);
                    return -t * Math.Log(1 / (1 + Math.Exp(-z))) - (1 - t) * Math.Log(1 - 1 / (1 + Math.Exp(-z)));
                }).Average()]);
                break;
            case SigmoidCrossEntropyBackward loss:
                Out(node, 0, [.. In(node, 0).Select((z, i) =>
                    (1 / (1 + Math.Exp(-z)) - Target(node, i, loss.Smoothing)) / shape.D0)]);
                break;
            case SgdUpdate sgd:
                double[] w = In(node, 0), dw = In(node, 1), v = In(node, 2);
                for (int i = 0; i < w.Length; i++)
                {
                    v[i] = sgd.Momentum * v[i] + dw[i] + sgd.WeightDecay * w[i];
                    w[i] -= In(node, 3)[0] * v[i];
                }
                break;
            case Cast:
                Out(node, 0, In(node, 0));
                break;
            default:
                throw new NotSupportedException(node.Operation.ToString());
        }

        double[] Weights() => _weights.TryGetValue(node, out double[]? rounded)
            ? rounded
            : _weights[node] = Weight(node, 1, type);
    }

    private readonly Dictionary<Node, double[]> _weights = [];

    private double Target(Node node, int image, double smoothing) =>
        (1 - smoothing) * In(node, 1)[image] + smoothing / 2;

    private double[] Map(Node node, Func<double, int, double> f)
    {
        int channels = _problem[node.Inputs[0]].Shape.C;
        return [.. In(node, 0).Select((v, i) => f(v, i % channels))];
    }

    private static double[] Product(int rows, int columns, int length, Func<int, int, int, double> term)
    {
        double[] result = new double[rows * columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                for (int k = 0; k < length; k++)
                    result[i * columns + j] += term(i, j, k);
        return result;
    }

    /// <summary>Visits every triple of elements of x, w and y that a convolution multiplies.</summary>
    private static double[] Convolve(
        ConvolutionGeometry g, int images, Action<int, int, int, double[]> visit, int resultElements)
    {
        double[] result = new double[resultElements];
        for (int n = 0; n < images; n++)
            for (int p = 0; p < g.P; p++)
                for (int q = 0; q < g.Q; q++)
                    for (int r = 0; r < g.R; r++)
                        for (int s = 0; s < g.S; s++)
                        {
                            int h = p * g.Stride - g.Padding + r, w = q * g.Stride - g.Padding + s;
                            if (h < 0 || h >= g.H || w < 0 || w >= g.W)
                                continue;
                            for (int k = 0; k < g.K; k++)
                                for (int c = 0; c < g.C; c++)
                                    visit(((n * g.H + h) * g.W + w) * g.C + c, ((k * g.R + r) * g.S + s) * g.C + c,
                                        ((n * g.P + p) * g.Q + q) * g.K + k, result);
                        }
        return result;
    }

    private void TrainBatchNorm(Node node, BatchNormTraining bn, int channels)
    {
        double[] x = In(node, 0), y = new double[x.Length], saved = new double[channels], inverse = new double[channels];
        int rows = x.Length / channels;
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, squares = 0;
            for (int r = 0; r < rows; r++)
                mean += x[r * channels + c] / rows;
            for (int r = 0; r < rows; r++)
                squares += Math.Pow(x[r * channels + c] - mean, 2);
            saved[c] = mean;
            inverse[c] = 1 / Math.Sqrt(squares / rows + bn.Epsilon);
            In(node, 3)[c] = (1 - bn.Momentum) * In(node, 3)[c] + bn.Momentum * mean;
            In(node, 4)[c] = (1 - bn.Momentum) * In(node, 4)[c] + bn.Momentum * squares / (rows - 1);
            for (int r = 0; r < rows; r++)
                y[r * channels + c] = (x[r * channels + c] - mean) * inverse[c] * In(node, 1)[c] + In(node, 2)[c];
        }
        Out(node, 0, y);
        Out(node, 1, saved);
        Out(node, 2, inverse);
    }

    private void DifferentiateBatchNorm(Node node, int channels)
    {
        double[] dy = In(node, 0), x = In(node, 1), dx = new double[dy.Length];
        double[] dgamma = new double[channels], dbeta = new double[channels];
        int rows = dy.Length / channels;
        for (int i = 0; i < dy.Length; i++)
        {
            int c = i % channels;
            dbeta[c] += dy[i];
            dgamma[c] += dy[i] * (x[i] - In(node, 3)[c]) * In(node, 4)[c];
        }
        for (int i = 0; i < dy.Length; i++)
        {
            int c = i % channels;
            double normalised = (x[i] - In(node, 3)[c]) * In(node, 4)[c];
            dx[i] = In(node, 2)[c] * In(node, 4)[c] * (dy[i] - dbeta[c] / rows - normalised * dgamma[c] / rows);
        }
        Out(node, 0, dx);
        Out(node, 1, dgamma);
        Out(node, 2, dbeta);
    }

    private void Pool(Node node, PoolGeometry g, int images)
    {
        double[] x = In(node, 0), y = new double[images * g.P * g.Q * g.C], argmax = new double[y.Length];
        Array.Fill(y, double.NegativeInfinity);
        VisitWindows(g, images, (input, output, tap) =>
        {
            if (x[input] > y[output])
                (y[output], argmax[output]) = (x[input], tap);
        });
        Out(node, 0, y);
        if (node.Outputs.Length == 2)
            Out(node, 1, argmax);
    }

    private void Unpool(Node node, PoolGeometry g, int images)
    {
        double[] dx = new double[images * g.H * g.W * g.C];
        VisitWindows(g, images, (input, output, tap) =>
        {
            if (In(node, 1)[output] == tap)
                dx[input] += In(node, 0)[output];
        });
        Out(node, 0, dx);
    }

    private static void VisitWindows(PoolGeometry g, int images, Action<int, int, int> visit)
    {
        for (int n = 0; n < images; n++)
            for (int p = 0; p < g.P; p++)
                for (int q = 0; q < g.Q; q++)
                    for (int tap = 0; tap < g.Window * g.Window; tap++)
                    {
                        int h = p * g.Stride - g.Padding + tap / g.Window, w = q * g.Stride - g.Padding + tap % g.Window;
                        if (h >= 0 && h < g.H && w >= 0 && w < g.W)
                            for (int c = 0; c < g.C; c++)
                                visit(((n * g.H + h) * g.W + w) * g.C + c, ((n * g.P + p) * g.Q + q) * g.C + c, tap);
                    }
    }

    private double Softmax(Node node, TensorShape shape, double smoothing, double[]? gradient)
    {
        int classes = shape.D1;
        double loss = 0;
        for (int n = 0; n < shape.D0; n++)
        {
            double sum = 0;
            for (int k = 0; k < classes; k++)
                sum += Math.Exp(In(node, 0)[n * classes + k]);
            for (int k = 0; k < classes; k++)
            {
                double probability = Math.Exp(In(node, 0)[n * classes + k]) / sum;
                double target = (k == (int)In(node, 1)[n] ? 1 - smoothing : 0) + smoothing / classes;
                loss -= target * Math.Log(probability) / shape.D0;
                if (gradient is not null)
                    gradient[n * classes + k] = (probability - target) / shape.D0;
            }
        }
        return loss;
    }
}
