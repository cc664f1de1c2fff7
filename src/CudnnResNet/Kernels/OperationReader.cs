using System.Globalization;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Kernels;

/// <summary>The words of one operation in a problem line: a name with a number (<c>c64</c>) or an element type.</summary>
internal sealed class Tokens(string line, string[] words)
{
    private const int LargestInteger = 1 << 28;

    private static readonly DataType[] Floating =
        [DataType.Float64, DataType.Float32, DataType.BFloat16, DataType.Float16];

    private readonly List<string> _unused = [.. words];

    public int Integer(string name, int smallest = 1)
    {
        double number = Number(name);
        return number >= smallest && number <= LargestInteger && number == Math.Truncate(number)
            ? (int)number
            : throw new ResNetException($"'{name}' in '{line}' is not a whole number from {smallest} to {LargestInteger}.");
    }

    /// <summary>A finite number that follows the name.</summary>
    public double Number(string name)
    {
        foreach (string word in words)
            if (word.StartsWith(name, StringComparison.Ordinal)
                && double.TryParse(word.AsSpan(name.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                && double.IsFinite(value))
            {
                _unused.Remove(word);
                return value;
            }
        throw new ResNetException($"'{line}' lacks '{name}' with a number.");
    }

    /// <summary>The <paramref name="position"/>-th element type among the words; activations are never integers.</summary>
    public DataType Type(int position = 0)
    {
        foreach (string word in words)
            foreach (DataType type in Floating)
                if (word == type.ShortName() && position-- == 0)
                {
                    _unused.Remove(word);
                    return type;
                }
        throw new ResNetException($"'{line}' lacks an element type (f32, bf16, f16 or f64).");
    }

    public bool Has(string name) => words.Any(word => word.Length > name.Length
        && word.StartsWith(name, StringComparison.Ordinal) && char.IsDigit(word[name.Length]));

    /// <summary>Whether a word without a number is there.</summary>
    public bool Word(string name) => words.Contains(name) && _unused.Remove(name);

    public void RequireAllUsed()
    {
        if (_unused.Count > 0)
            throw new ResNetException($"'{string.Join(' ', _unused)}' in '{line}' is not part of the problem language.");
    }
}

/// <summary>Builds operations from the words of a problem line.</summary>
internal static class OperationReader
{
    /// <param name="name">The operation's name in <see cref="OperationTable"/>.</param>
    /// <param name="t">Its words.</param>
    /// <param name="chain">What the preceding node feeds; null for the head of a line.</param>
    public static Operation Read(string name, Tokens t, TensorType? chain) => name switch
    {
        "conv_fwd" => new ConvolutionForward(chain is { } x ? Filter(t, x.Shape) : Convolution(t)),
        "conv_bwd_data" => new ConvolutionBackwardData(Convolution(t)),
        "conv_bwd_filter" => new ConvolutionBackwardFilter(chain is { } x ? Filter(t, x.Shape) : Convolution(t)),
        "channel_sum" => new ChannelSum(),
        "bn_train" => new BatchNormTraining(t.Number("eps"), t.Number("mom")),
        "bn_infer" => new BatchNormInference(t.Number("eps")),
        "bn_apply" => new BatchNormApply(),
        "bn_bwd" => new BatchNormBackward(),
        "scale_bias" => new ScaleBias(),
        "relu" => new Relu(),
        "relu_bwd" => new ReluBackward(),
        "norm_relu_bwd" => new NormReluBackward(),
        "add" => new Add(),
        "max_pool" => new MaxPool(chain is { } x
            ? new(x.Shape.H, x.Shape.W, x.Shape.C, t.Integer("window"), t.Integer("stride"), t.Integer("pad", smallest: 0))
            : Pool(t)),
        "max_pool_bwd" => new MaxPoolBackward(Pool(t)),
        "avg_pool" => new GlobalAveragePool(),
        "avg_pool_bwd" => new GlobalAveragePoolBackward(t.Integer("h"), t.Integer("w")),
        "subsample" => new Subsample(chain is { } x
            ? new(x.Shape.H, x.Shape.W, x.Shape.C, t.Integer("k"), t.Integer("stride"))
            : Sampled(t)),
        "subsample_bwd" => new SubsampleBackward(Sampled(t)),
        "linear" => new Linear(chain?.Shape.C ?? t.Integer("c"), t.Integer("k")),
        "linear_bwd_data" => new LinearBackwardData(t.Integer("c"), chain?.Shape.C ?? t.Integer("k"), t.Type()),
        "linear_bwd_filter" => new LinearBackwardFilter(t.Integer("c"), chain?.Shape.C ?? t.Integer("k"), t.Type()),
        "softmax_ce" => new SoftmaxCrossEntropy(t.Number("smooth")),
        "softmax_ce_bwd" => new SoftmaxCrossEntropyBackward(t.Number("smooth")),
        "sigmoid_ce" => new SigmoidCrossEntropy(t.Number("smooth")),
        "sigmoid_ce_bwd" => new SigmoidCrossEntropyBackward(t.Number("smooth")),
        "sgd" => new SgdUpdate(t.Number("mom"), t.Number("wd"))
        {
            Nesterov = t.Word("nesterov"),
            IsScaled = t.Word("scaled"),
            IsTrusted = t.Word("trusted"),
            IsGuarded = t.Word("guarded"),
        },
        "blend" => new Blend(t.Number("keep"), t.Number("take")) { IsGuarded = t.Word("guarded") },
        "squared_sum" => new SquaredSum { Continues = t.Word("plus") },
        "clip_scale" => new ClipScale(t.Number("max")) { IsScaled = t.Word("scaled") },
        "scale" => new Scale(),
        "find_overflow" => new FindOverflow(),
        "adjust_loss_scale" => new AdjustLossScale(t.Number("growth"), t.Number("backoff"), t.Integer("every")),
        "trust_ratio" => new TrustRatio(t.Number("coef"), t.Number("wd")) { IsScaled = t.Word("scaled") },
        "cast" => new Cast(t.Type(chain is null ? 1 : 0)),
        _ => throw new ResNetException($"'{name}' is not an operation of the problem language."),
    };

    /// <summary>The type of the chain input of a line's head.</summary>
    public static TensorType HeadChain(Operation operation, Tokens t)
    {
        DataType type = t.Type();
        TensorShape shape = operation switch
        {
            ConvolutionBackwardData { Geometry: var g } => TensorShape.Nhwc(t.Integer("n"), g.P, g.Q, g.K),
            ConvolutionBackwardFilter { Geometry: var g } => TensorShape.Nhwc(t.Integer("n"), g.H, g.W, g.C),
            MaxPoolBackward { Geometry: var g } => TensorShape.Nhwc(t.Integer("n"), g.P, g.Q, g.C),
            SubsampleBackward { Geometry: var g } => TensorShape.Nhwc(t.Integer("n"), g.P, g.Q, g.K),
            GlobalAveragePoolBackward => TensorShape.Matrix(t.Integer("n"), t.Integer("c")),
            LinearBackwardData l => TensorShape.Matrix(t.Integer("n"), l.OutFeatures),
            LinearBackwardFilter l => TensorShape.Matrix(t.Integer("n"), l.OutFeatures),
            ClipScale or TrustRatio or AdjustLossScale => TensorShape.Scalar,
            _ when t.Has("e") => TensorShape.Vector(t.Integer("e")),
            _ when t.Has("h") => TensorShape.Nhwc(t.Integer("n"), t.Integer("h"), t.Integer("w"), t.Integer("c")),
            _ => TensorShape.Matrix(t.Integer("n"), t.Integer("c")),
        };
        return operation is LinearBackwardData or LinearBackwardFilter
            ? new(shape, Precisions.ParameterTypeFor(type))
            : new(shape, type);
    }

    private static ConvolutionGeometry Convolution(Tokens t) => new(t.Integer("h"), t.Integer("w"), t.Integer("c"),
        t.Integer("k"), t.Integer("r"), t.Integer("s"), t.Integer("stride"), t.Integer("pad", smallest: 0));

    private static ConvolutionGeometry Filter(Tokens t, TensorShape x) => new(x.H, x.W, x.C,
        t.Integer("k"), t.Integer("r"), t.Integer("s"), t.Integer("stride"), t.Integer("pad", smallest: 0));

    private static SubsampleGeometry Sampled(Tokens t) =>
        new(t.Integer("h"), t.Integer("w"), t.Integer("c"), t.Integer("k"), t.Integer("stride"));

    private static PoolGeometry Pool(Tokens t) =>
        new(t.Integer("h"), t.Integer("w"), t.Integer("c"), t.Integer("window"), t.Integer("stride"), t.Integer("pad", smallest: 0));
}
