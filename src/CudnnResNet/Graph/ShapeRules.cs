using System.Collections.Immutable;
using CudnnResNet.Tensors;

namespace CudnnResNet.Graph;

/// <summary>Shape and element type of an operand.</summary>
public readonly record struct TensorType(TensorShape Shape, DataType Type)
{
    public long Bytes => Shape.Elements * Type.ByteSize();
}

/// <summary>
/// The operand types of every operation as functions of its chain input (see <see cref="OperationTable"/>): what the
/// other inputs must be, and what comes out. One row an operation serves the builder, the verifier and the problem
/// language.
/// </summary>
public static class ShapeRules
{
    /// <summary>The argmax of a pooling window is one byte.</summary>
    public const int MostIndexedWindow = 16;

    private const string TooWideToIndex = "has a window of more than 16 x 16, in which the place of the maximum takes more than a byte";

    /// <summary>Why an operation cannot take a chain input of this shape; null where it can.</summary>
    public static string? ChainRefusal(Operation operation, TensorShape chain)
    {
        (TensorShape? exact, int rank) = operation switch
        {
            ConvolutionForward { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.H, g.W, g.C), 4),
            ConvolutionBackwardData { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.P, g.Q, g.K), 4),
            ConvolutionBackwardFilter { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.H, g.W, g.C), 4),
            MaxPool { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.H, g.W, g.C), 4),
            MaxPoolBackward { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.P, g.Q, g.C), 4),
            Subsample { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.H, g.W, g.C), 4),
            SubsampleBackward { Geometry: var g } => (TensorShape.Nhwc(chain.N, g.P, g.Q, g.K), 4),
            Linear l => (TensorShape.Matrix(chain.D0, l.InFeatures), 2),
            LinearBackwardData l => (TensorShape.Matrix(chain.D0, l.OutFeatures), 2),
            LinearBackwardFilter l => (TensorShape.Matrix(chain.D0, l.OutFeatures), 2),
            SigmoidCrossEntropy or SigmoidCrossEntropyBackward => (TensorShape.Matrix(chain.D0, 1), 2),
            ClipScale or TrustRatio or AdjustLossScale => (TensorShape.Scalar, 0),
            SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward or GlobalAveragePoolBackward => ((TensorShape?)null, 2),
            BatchNormTraining or BatchNormInference or BatchNormApply or BatchNormBackward or NormReluBackward or GlobalAveragePool => (null, 4),
            _ => (null, chain.Rank),
        };
        if (chain.Rank != rank)
            return $"takes {rank} extents, not {chain}";
        if (exact is { } shape && shape != chain)
            return $"takes {shape}, not {chain}";
        if (chain is not { D0: > 0, D1: > 0, D2: > 0, D3: > 0 })
            return $"takes no empty operand such as {chain}";
        SubsampleGeometry? sampled = operation switch
        {
            Subsample { Geometry: var g } => g,
            SubsampleBackward { Geometry: var g } => g,
            _ => null,
        };
        if (sampled is { } s && s.K < s.C)
            return $"adds channels, and {s.K} are fewer than {s.C}";
        if (operation is MaxPoolBackward { Geometry.Window: > MostIndexedWindow })
            return TooWideToIndex;
        return WindowFits(operation) ? null : "has a filter or window that does not fit into the padded image";
    }

    /// <summary>A pooling window must also reach into the image from every place, or it would have no maximum.</summary>
    private static bool WindowFits(Operation operation)
    {
        return operation switch
        {
            ConvolutionForward { Geometry: var g } => Convolves(g),
            ConvolutionBackwardData { Geometry: var g } => Convolves(g),
            ConvolutionBackwardFilter { Geometry: var g } => Convolves(g),
            MaxPool { Geometry: var g } => Pools(g),
            MaxPoolBackward { Geometry: var g } => Pools(g),
            _ => true,
        };

        static bool Convolves(ConvolutionGeometry g) => g.R <= g.H + 2 * g.Padding && g.S <= g.W + 2 * g.Padding;

        static bool Pools(PoolGeometry g) =>
            g.Window <= Math.Min(g.H, g.W) + 2 * g.Padding && g.Padding < g.Window;
    }

    /// <summary>The types of all inputs, given that of the chain input and how many inputs the node has.</summary>
    public static ImmutableArray<TensorType> Inputs(Operation operation, TensorType chain, int inputCount)
    {
        DataType parameter = Precisions.ParameterTypeFor(chain.Type);
        TensorShape shape = chain.Shape;
        TensorType vector = new(TensorShape.Vector(shape.C), parameter);
        TensorType scalar = new(TensorShape.Scalar, parameter);
        TensorType labels = new(TensorShape.Vector(shape.D0), DataType.Int32);
        switch (operation)
        {
            case ConvolutionForward { Geometry: var g }:
                TensorType filter = new(TensorShape.Krsc(g.K, g.R, g.S, g.C), parameter);
                return inputCount == 3
                    ? [chain, filter, new(TensorShape.Vector(g.K), parameter)]
                    : [chain, filter];
            case ConvolutionBackwardData { Geometry: var g }:
                return [chain, new(TensorShape.Krsc(g.K, g.R, g.S, g.C), parameter)];
            case ConvolutionBackwardFilter { Geometry: var g }:
                return [chain, new(TensorShape.Nhwc(shape.N, g.P, g.Q, g.K), chain.Type)];
            case BatchNormTraining or BatchNormInference or BatchNormApply:
                return [chain, vector, vector, vector, vector];
            case BatchNormBackward:
                return [chain, chain, vector, vector, vector];
            case NormReluBackward:
                return [chain, chain, vector, vector, vector, vector];
            case ScaleBias:
                return [chain, vector, vector];
            case ReluBackward or Add:
                return [chain, chain];
            case MaxPoolBackward:
                return [chain, new(shape, DataType.UInt8)];
            case SoftmaxCrossEntropy or SoftmaxCrossEntropyBackward
                or SigmoidCrossEntropy or SigmoidCrossEntropyBackward:
                return [chain, labels];
            case SgdUpdate update:
                return [chain, chain, chain, scalar, .. Optional(scalar, update.IsScaled), .. Optional(scalar, update.IsTrusted),
                    .. Optional(scalar, update.IsGuarded)];
            case Blend blend:
                return [chain, chain, .. Optional(scalar, blend.IsGuarded)];
            case Scale or FindOverflow:
                return [chain, scalar];
            case AdjustLossScale:
                return [chain, chain, chain, chain, chain];
            case ClipScale clip:
                return [chain, .. Optional(chain, clip.IsScaled)];
            case SquaredSum sum:
                return [chain, .. Optional(scalar, sum.Continues)];
            case TrustRatio ratio:
                return [chain, chain, .. Optional(chain, ratio.IsScaled)];
            case Linear linear:
                return [chain, new(TensorShape.Matrix(linear.OutFeatures, linear.InFeatures), parameter),
                    new(TensorShape.Vector(linear.OutFeatures), parameter)];
            case LinearBackwardData linear:
                return [chain, new(TensorShape.Matrix(linear.OutFeatures, linear.InFeatures), parameter)];
            case LinearBackwardFilter linear:
                return [new(TensorShape.Matrix(shape.D0, linear.InFeatures), linear.ActivationType), chain];
            case ChannelSum or Relu or MaxPool or GlobalAveragePool or GlobalAveragePoolBackward or Subsample or SubsampleBackward or Cast:
                return [chain];
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation, "No shape rule.");
        }
    }

    private static ImmutableArray<TensorType> Optional(TensorType type, bool isPresent) => isPresent ? [type] : [];

    /// <summary>The types of all outputs, given those of the inputs.</summary>
    public static ImmutableArray<TensorType> Outputs(
        Operation operation, ImmutableArray<TensorType> inputs, int outputCount)
    {
        TensorType chain = inputs[OperationTable.Of(operation).ChainInput];
        TensorShape shape = chain.Shape;
        DataType parameter = Precisions.ParameterTypeFor(chain.Type);
        TensorType vector = new(TensorShape.Vector(shape.C), parameter);
        switch (operation)
        {
            case ConvolutionForward { Geometry: var g }:
                return [new(TensorShape.Nhwc(shape.N, g.P, g.Q, g.K), chain.Type)];
            case ConvolutionBackwardData { Geometry: var g }:
                return [new(TensorShape.Nhwc(shape.N, g.H, g.W, g.C), chain.Type)];
            case ConvolutionBackwardFilter { Geometry: var g }:
                return [new(TensorShape.Krsc(g.K, g.R, g.S, g.C), parameter)];
            case ChannelSum:
                return [vector];
            case BatchNormTraining:
                return [chain, vector, vector];
            case BatchNormBackward:
                return [chain, vector, vector];
            case BatchNormInference or BatchNormApply or ScaleBias or Relu or ReluBackward or NormReluBackward or Add
                or ClipScale or TrustRatio or Scale:
                return [chain];
            case MaxPool { Geometry: var g }:
                TensorShape pooled = TensorShape.Nhwc(shape.N, g.P, g.Q, g.C);
                if (outputCount == 2 && g.Window > MostIndexedWindow)
                    throw new ArgumentException($"{operation} {TooWideToIndex}.");
                return outputCount == 2
                    ? [new(pooled, chain.Type), new(pooled, DataType.UInt8)]
                    : [new(pooled, chain.Type)];
            case MaxPoolBackward { Geometry: var g }:
                return [new(TensorShape.Nhwc(shape.N, g.H, g.W, g.C), chain.Type)];
            case GlobalAveragePool:
                return [new(TensorShape.Matrix(shape.N, shape.C), chain.Type)];
            case GlobalAveragePoolBackward { Height: var h, Width: var w }:
                return [new(TensorShape.Nhwc(shape.D0, h, w, shape.C), chain.Type)];
            case Subsample { Geometry: var g }:
                return [new(TensorShape.Nhwc(shape.N, g.P, g.Q, g.K), chain.Type)];
            case SubsampleBackward { Geometry: var g }:
                return [new(TensorShape.Nhwc(shape.N, g.H, g.W, g.C), chain.Type)];
            case Linear linear:
                return [new(TensorShape.Matrix(shape.D0, linear.OutFeatures), parameter)];
            case LinearBackwardData linear:
                return [new(TensorShape.Matrix(shape.D0, linear.InFeatures), linear.ActivationType)];
            case LinearBackwardFilter linear:
                return [new(TensorShape.Matrix(linear.OutFeatures, linear.InFeatures), parameter)];
            case SoftmaxCrossEntropy or SigmoidCrossEntropy:
                return [new(TensorShape.Scalar, chain.Type)];
            case SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward:
                return [chain];
            case SgdUpdate or Blend or FindOverflow or AdjustLossScale:
                return [];
            case SquaredSum:
                return [new(TensorShape.Scalar, parameter)];
            case Cast { To: var type }:
                return [chain with { Type = type }];
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation, "No shape rule.");
        }
    }
}
