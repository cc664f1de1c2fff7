using System.Collections.Immutable;

namespace CudnnResNet.Graph;

/// <summary>
/// The facts about each operation that generic passes need, one row an operation: its name in problem lines, the
/// input that a fused chain flows through, and the inputs it changes in place.
/// </summary>
public static class OperationTable
{
    /// <param name="Name">The name in problem lines.</param>
    /// <param name="ChainInput">The input that the preceding node of a fused chain feeds.</param>
    /// <param name="MutatedInputs">Inputs changed in place.</param>
    public sealed record Row(string Name, int ChainInput, ImmutableArray<int> MutatedInputs);

    private static readonly Dictionary<Type, Row> Rows = new()
    {
        [typeof(ConvolutionForward)] = new("conv_fwd", 0, []),
        [typeof(ConvolutionBackwardData)] = new("conv_bwd_data", 0, []),
        [typeof(ConvolutionBackwardFilter)] = new("conv_bwd_filter", 0, []),
        [typeof(ChannelSum)] = new("channel_sum", 0, []),
        [typeof(BatchNormTraining)] = new("bn_train", 0, [3, 4]),
        [typeof(BatchNormInference)] = new("bn_infer", 0, []),
        [typeof(BatchNormApply)] = new("bn_apply", 0, []),
        [typeof(BatchNormBackward)] = new("bn_bwd", 0, []),
        [typeof(ScaleBias)] = new("scale_bias", 0, []),
        [typeof(Relu)] = new("relu", 0, []),
        [typeof(ReluBackward)] = new("relu_bwd", 0, []),
        [typeof(NormReluBackward)] = new("norm_relu_bwd", 0, []),
        [typeof(Add)] = new("add", 0, []),
        [typeof(MaxPool)] = new("max_pool", 0, []),
        [typeof(MaxPoolBackward)] = new("max_pool_bwd", 0, []),
        [typeof(GlobalAveragePool)] = new("avg_pool", 0, []),
        [typeof(GlobalAveragePoolBackward)] = new("avg_pool_bwd", 0, []),
        [typeof(Subsample)] = new("subsample", 0, []),
        [typeof(SubsampleBackward)] = new("subsample_bwd", 0, []),
        [typeof(Linear)] = new("linear", 0, []),
        [typeof(LinearBackwardData)] = new("linear_bwd_data", 0, []),
        [typeof(LinearBackwardFilter)] = new("linear_bwd_filter", 1, []),
        [typeof(SoftmaxCrossEntropy)] = new("softmax_ce", 0, []),
        [typeof(SoftmaxCrossEntropyBackward)] = new("softmax_ce_bwd", 0, []),
        [typeof(SigmoidCrossEntropy)] = new("sigmoid_ce", 0, []),
        [typeof(SigmoidCrossEntropyBackward)] = new("sigmoid_ce_bwd", 0, []),
        [typeof(SgdUpdate)] = new("sgd", 1, [0, 2]),
        [typeof(Blend)] = new("blend", 1, [0]),
        [typeof(SquaredSum)] = new("squared_sum", 0, []),
        [typeof(ClipScale)] = new("clip_scale", 0, []),
        [typeof(TrustRatio)] = new("trust_ratio", 0, []),
        [typeof(Scale)] = new("scale", 0, []),
        [typeof(FindOverflow)] = new("find_overflow", 0, [1]),
        [typeof(AdjustLossScale)] = new("adjust_loss_scale", 0, [0, 1, 2, 3, 4]),
        [typeof(Cast)] = new("cast", 0, []),
    };

    public static Row Of(Operation operation) => Rows[operation.GetType()];

    public static bool Has(Type operationType) => Rows.ContainsKey(operationType);
}
