using CudnnResNet.Autodiff;
using CudnnResNet.Tensors;

namespace CudnnResNet.Training;

/// <summary>What a training step computes, apart from the network.</summary>
/// <param name="Optimizer">The update rule.</param>
/// <param name="LabelSmoothing">In [0, 1).</param>
/// <param name="KeepGradients">Keep every parameter's gradient until the end of the step, to be read.</param>
/// <param name="Passes">Batches of the plan's size whose mean gradient a step takes (gradient accumulation).</param>
/// <param name="FrozenBatchNorm">Batch norms take their running statistics, and neither these nor their parameters change.</param>
public sealed record StepOptions(
    SgdOptions Optimizer, double LabelSmoothing = 0, bool KeepGradients = false, int Passes = 1, bool FrozenBatchNorm = false)
{
    /// <summary>fp16 cannot hold small gradients: it scales the loss, also where nobody said so.</summary>
    internal StepOptions For(Precision precision) =>
        precision != Precision.Fp16 || Optimizer.LossScaling is not null
            ? this
            : this with { Optimizer = Optimizer with { LossScaling = new LossScaling() } };
}
