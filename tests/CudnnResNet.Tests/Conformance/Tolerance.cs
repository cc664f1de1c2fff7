using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// A running error analysis: how far each result of a node may be from the truth, from the numbers that went in and
/// the bounds of what the nodes before it made.
/// <para>
/// Sums of K terms are accumulated in float32 at least (double in f64 problems), with unit roundoff u. Adding in any
/// order makes at most K rounding errors of either sign, each no larger than u times a partial sum, so they add up like
/// a random walk: their deviation is below u * sqrt(K) times the largest partial sum, which is the larger of
/// sqrt(K) * rms(terms) and the total. Eight deviations leave no chance failure among the millions of elements of all
/// lines, while a sum kept in bf16, or one term missing, is off by orders of magnitude more.
/// </para>
/// <para>
/// An intermediate of a fused chain may be kept in full or rounded to the activation type: its consumer is allowed one
/// rounding of it. Maxima, masks, casts and single additions have one right answer; for them the bound is zero and the
/// comparison is for equality.
/// </para>
/// </summary>
internal sealed class Tolerance
{
    private const double Deviations = 8;

    private readonly Problem _problem;
    private readonly Node _node;
    private readonly double[][] _in;
    private readonly NodeResult _result;
    private readonly IReadOnlyDictionary<ValueId, ErrorBound> _known;
    private readonly DataType _type;
    private readonly double _u;
    private readonly ErrorBound[] _outputs;

    /// <param name="problem">The problem.</param>
    /// <param name="node">One of its nodes.</param>
    /// <param name="inputs">What the node read, before it changed anything in place.</param>
    /// <param name="result">What it made.</param>
    /// <param name="known">The bounds of the nodes before it.</param>
    public Tolerance(Problem problem, Node node, double[][] inputs, NodeResult result,
        IReadOnlyDictionary<ValueId, ErrorBound> known)
    {
        (_problem, _node, _in, _result, _known) = (problem, node, inputs, result, known);
        _type = problem[node.Inputs[OperationTable.Of(node.Operation).ChainInput]].Type;
        _u = StorageFormat.UnitRoundoff(Precisions.ParameterTypeFor(_type));
        _outputs = Bounds();
    }

    public ErrorBound OfOutput(int slot) => _outputs[slot];

    /// <summary>Running statistics move by the batch's, with its errors; weights and velocity by a few roundings.</summary>
    public ErrorBound OfMutated(int slot) => _node.Operation switch
    {
        BatchNormTraining norm => BatchNormStatistics(norm, slot),
        Blend blend => new(2 * _u * (Math.Abs(blend.Keep) * Rms.Largest(_in[0]) + Math.Abs(blend.Take) * Rms.Largest(_in[1]))),
        SgdUpdate sgd => new((4 + (sgd.Nesterov ? 2 : 0) + (sgd.IsScaled ? 1 : 0) + (sgd.IsTrusted ? 1 : 0)) * _u * (Rms.Largest(_in[slot]) + Rms.Largest(_in[1])
            + sgd.WeightDecay * Rms.Largest(_in[0]) + sgd.Momentum * Rms.Largest(_in[2]))),
        FindOverflow or AdjustLossScale => ErrorBound.Exact,
        _ => throw new InvalidOperationException($"{_node.Operation} changes nothing."),
    };

    private ErrorBound[] Bounds()
    {
        switch (_node.Operation)
        {
            case Relu or ReluBackward or NormReluBackward or MaxPool or Subsample or SubsampleBackward or Cast:
                return [.. _node.Outputs.Select((_, slot) => slot == 0 ? Known(0) : ErrorBound.Exact)];
            case Add:
                return [Incoming(0) + Incoming(1)];
            case MaxPoolBackward { Geometry: var g }:
                double overlaps = Math.Pow((g.Window + g.Stride - 1) / g.Stride, 2);
                return [new(overlaps * (Incoming(0).Largest + (overlaps - 1) * _u * Rms.Largest(_in[0])))];
            case ConvolutionForward { Geometry: var g }:
                return [Product(0, 1, g.R * g.S * g.C)];
            case ConvolutionBackwardData { Geometry: var g }:
                return [Product(0, 1, g.R * g.S * g.K)];
            case ConvolutionBackwardFilter { Geometry: var g }:
                return [Product(0, 1, _in[1].Length / g.K)];
            case Linear linear:
                return [Product(0, 1, linear.InFeatures)];
            case LinearBackwardData linear:
                return [Product(0, 1, linear.OutFeatures)];
            case LinearBackwardFilter linear:
                return [Product(0, 1, _in[1].Length / linear.OutFeatures)];
            case ChannelSum:
                return [Sum(Rms.ByChannel(_in[0], Channels), Rows, _result.Outputs[0])];
            case GlobalAveragePool:
                return [Average()];
            case GlobalAveragePoolBackward g:
                return [Scaled(Incoming(0), 1.0 / (g.Height * g.Width)) + new ErrorBound(2 * _u * Rms.Largest(_result.Outputs[0]))];
            case BatchNormInference norm:
                return [Affine(c => _in[1][c] / Math.Sqrt(_in[4][c] + norm.Epsilon), c => _in[3][c])];
            case BatchNormApply:
                return [Affine(c => _in[1][c] * _in[4][c], c => _in[3][c])];
            case ScaleBias:
                return [Affine(c => _in[1][c], c => 0)];
            case BatchNormTraining:
                return [BatchNormResult(), BatchMean(), Channelwise(c => _result.Outputs[2][c] * BatchVariance(c) / 2)];
            case BatchNormBackward:
                return BatchNormGradients();
            case SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward
                or SigmoidCrossEntropy or SigmoidCrossEntropyBackward:
                return [Loss()];
            case SgdUpdate or Blend or FindOverflow or AdjustLossScale:
                return [];
            case Scale:
                return [new(_u * Rms.Largest(_result.Outputs[0]))];
            case SquaredSum:
                // Blocks are added up in float64, or pairwise: a sum in one float32 would be off by the root of its length.
                return [new(Deviations * _u * _result.Outputs[0][0])];
            case ClipScale or TrustRatio:
                return [new(4 * _u * Math.Abs(_result.Outputs[0][0]))];
            default:
                throw new InvalidOperationException($"No tolerance for {_node.Operation}.");
        }
    }

    private int Channels => _problem[_node.Inputs[0]].Shape.C;

    private int Rows => _in[0].Length / Channels;

    /// <summary>The bound of an operand made by an earlier node of the chain; others are exact.</summary>
    private ErrorBound Known(int slot) => _known.GetValueOrDefault(_node.Inputs[slot], ErrorBound.Exact);

    /// <summary>The same with the rounding that an intermediate may undergo.</summary>
    private ErrorBound Incoming(int slot) => _known.ContainsKey(_node.Inputs[slot])
        ? Known(slot) + new ErrorBound(StorageFormat.UnitRoundoff(_problem[_node.Inputs[slot]].Type) * Rms.Largest(_in[slot]))
        : ErrorBound.Exact;

    private ErrorBound Channelwise(Func<int, double> bound) => new([.. Enumerable.Range(0, Channels).Select(bound)]);

    private static ErrorBound Scaled(ErrorBound bound, double factor) => new([.. bound.Channels.Select(b => b * factor)]);

    /// <summary>Sums of <paramref name="terms"/> products, with incoming errors of either sign on both factors.</summary>
    private ErrorBound Product(int a, int b, int terms)
    {
        double root = Math.Sqrt(terms);
        double incoming = Incoming(a).Largest * Rms.Of(_in[b]) + Incoming(b).Largest * Rms.Of(_in[a]);
        double partial = Math.Max(root * Rms.Of(_in[a]) * Rms.Of(_in[b]), Rms.Largest(_result.Outputs[0]));
        return new(Deviations * root * (incoming + _u * partial));
    }

    /// <summary>Sums of many terms of the given rms for each channel.</summary>
    private ErrorBound Sum(double[] rms, int terms, double[] totals)
    {
        double root = Math.Sqrt(terms);
        ErrorBound incoming = Incoming(0);
        return Channelwise(c =>
            Deviations * root * (incoming.At(c) + _u * Math.Max(root * rms[c], Math.Abs(totals[c]))));
    }

    private ErrorBound Average()
    {
        int pixels = _in[0].Length / _result.Outputs[0].Length;
        double partial = Math.Max(Rms.Of(_in[0]), Math.Sqrt(pixels) * Rms.Largest(_result.Outputs[0]));
        return new(Incoming(0).Largest + Deviations * _u * partial);
    }

    /// <summary>Written either as (x - centre) * scale + shift or as x * scale + (shift - centre * scale).</summary>
    private ErrorBound Affine(Func<int, double> scale, Func<int, double> centre)
    {
        double[] largest = Rms.LargestByChannel(_in[0], Channels);
        ErrorBound incoming = Incoming(0);
        return Channelwise(c => Math.Abs(scale(c)) * (incoming.At(c) + Deviations * _u * (largest[c] + Math.Abs(centre(c))))
            + Deviations * _u * Math.Abs(_in[2][c]));
    }

    private ErrorBound BatchMean()
    {
        double[] rms = Rms.ByChannel(_in[0], Channels);
        ErrorBound incoming = Incoming(0);
        return Channelwise(c => incoming.At(c) / Math.Sqrt(Rows) * Deviations
            + Deviations * _u * Math.Max(rms[c], Math.Sqrt(Rows) * Math.Abs(_result.Outputs[1][c])));
    }

    /// <summary>
    /// The relative error of variance + epsilon, from the squares' sum, the mean's error and incoming errors. A kernel
    /// that combines the moments of parts (Chan) squares the distance between their means, so that the mean's error
    /// also counts once, times that distance: some deviations / sqrt(rows).
    /// </summary>
    private double BatchVariance(int c)
    {
        double inverseDeviation = _result.Outputs[2][c];
        double mean = BatchMean().At(c) * inverseDeviation;
        double incoming = Incoming(0).At(c) * inverseDeviation;
        return Deviations * _u * Math.Sqrt(Rows) + mean * mean + incoming * incoming
            + 2 * Deviations * (mean + incoming) / Math.Sqrt(Rows);
    }

    private ErrorBound BatchNormResult()
    {
        double[] largest = Rms.LargestByChannel(_in[0], Channels);
        ErrorBound mean = BatchMean();
        ErrorBound incoming = Incoming(0);
        return Channelwise(c =>
        {
            double scale = Math.Abs(_in[1][c]) * _result.Outputs[2][c];
            double centred = largest[c] + Math.Abs(_result.Outputs[1][c]);
            return scale * (incoming.At(c) + mean.At(c) + Deviations * _u * centred + Farthest(c) * BatchVariance(c) / 2)
                + Deviations * _u * Math.Abs(_in[2][c]);
        });
    }

    /// <summary>The largest distance from the mean in a channel.</summary>
    private double Farthest(int c)
    {
        double farthest = 0;
        for (int i = c; i < _in[0].Length; i += Channels)
            farthest = Math.Max(farthest, Math.Abs(_in[0][i] - _result.Outputs[1][c]));
        return farthest;
    }

    private ErrorBound BatchNormStatistics(BatchNormTraining norm, int slot)
    {
        ErrorBound mean = BatchMean();
        return Channelwise(c =>
        {
            double inverseDeviation = _result.Outputs[2][c];
            double moved = slot == 3 ? mean.At(c) : BatchVariance(c) * 2 / (inverseDeviation * inverseDeviation);
            return norm.Momentum * moved + 4 * _u * Math.Abs(_in[slot][c]);
        });
    }

    private ErrorBound[] BatchNormGradients()
    {
        ErrorBound incoming = Incoming(0);
        double root = Math.Sqrt(Rows);
        double[] largestGradient = Rms.LargestByChannel(_in[0], Channels);
        double[] largestX = Rms.LargestByChannel(_in[1], Channels);
        double[] rmsX = Rms.ByChannel(_in[1], Channels);
        ErrorBound beta = Sum(Rms.ByChannel(_in[0], Channels), Rows, _result.Outputs[2]);
        double[] normalisedRms = [.. Enumerable.Range(0, Channels)
            .Select(c => (rmsX[c] + Math.Abs(_in[3][c])) * _in[4][c])];
        double[] productRms = [.. Rms.ByChannel(_in[0], Channels).Zip(normalisedRms, (dy, x) => dy * x)];
        ErrorBound gamma = Channelwise(c => Deviations * root * (incoming.At(c) * normalisedRms[c]
            + _u * Math.Max(root * productRms[c], Math.Abs(_result.Outputs[1][c]))));
        ErrorBound dx = Channelwise(c =>
        {
            double normalised = (largestX[c] + Math.Abs(_in[3][c])) * _in[4][c];
            double shares = (Math.Abs(_result.Outputs[2][c]) + normalised * Math.Abs(_result.Outputs[1][c])) / Rows;
            return Math.Abs(_in[2][c]) * _in[4][c] * (incoming.At(c) + (beta.At(c) + normalised * gamma.At(c)) / Rows
                + Deviations * _u * (largestGradient[c] + shares));
        });
        return [dx, gamma, beta];
    }

    /// <summary>Exponentials and logarithms to a few units in the last place of their largest argument.</summary>
    private ErrorBound Loss()
    {
        double scale = Rms.Largest(_in[0]) + Math.Log(Channels) + 1;
        double share = _node.Operation is SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward ? 1.0 / _in[1].Length : 1;
        return new(2 * Deviations * _u * scale * share);
    }
}
