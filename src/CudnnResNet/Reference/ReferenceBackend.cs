using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Reference;

/// <summary>
/// The oracle: managed code that needs nothing, in float32 or float64 storage, with every sum accumulated in double.
/// Results depend neither on timing nor on the number of threads.
/// </summary>
public sealed class ReferenceBackend : IBackend
{
    private readonly WorkerPool _workers;

    public ReferenceBackend(int threads)
    {
        if (threads < 1)
            throw new ResNetException($"{threads} threads cannot compute anything; give at least 1.");
        _workers = new WorkerPool(threads);
        Kernels =
        [
            new ConvolutionForwardKernel(_workers), new ConvolutionBackwardDataKernel(_workers),
            new ConvolutionBackwardFilterKernel(_workers), new ChannelSumKernel(_workers),
            new BatchNormTrainingKernel(_workers), new BatchNormInferenceKernel(_workers),
            new BatchNormApplyKernel(_workers), new BatchNormBackwardKernel(_workers), new ScaleBiasKernel(_workers),
            new ReluKernel(_workers), new ReluBackwardKernel(_workers), new NormReluBackwardKernel(_workers), new AddKernel(_workers),
            new MaxPoolKernel(_workers), new MaxPoolBackwardKernel(_workers),
            new GlobalAveragePoolKernel(_workers), new GlobalAveragePoolBackwardKernel(_workers),
            new SubsampleKernel(_workers), new SubsampleBackwardKernel(_workers),
            new LinearKernel(_workers), new LinearBackwardDataKernel(_workers), new LinearBackwardFilterKernel(_workers),
            new SoftmaxCrossEntropyKernel(_workers), new SoftmaxCrossEntropyBackwardKernel(_workers),
            new SigmoidCrossEntropyKernel(_workers), new SigmoidCrossEntropyBackwardKernel(_workers),
            new SgdUpdateKernel(_workers), new BlendKernel(_workers), new SquaredSumKernel(_workers),
            new ClipScaleKernel(_workers), new TrustRatioKernel(_workers), new CastKernel(_workers),
            new ScaleKernel(_workers), new FindOverflowKernel(_workers), new AdjustLossScaleKernel(_workers),
        ];
    }

    public string Name => "reference";

    public string Identity => $"reference {typeof(ReferenceBackend).Assembly.GetName().Version} threads {Threads}";

    public int Threads => _workers.Workers;

    public ImmutableArray<Kernel> Kernels { get; }

    /// <summary>Its kernels are bound by arithmetic, whatever a cache holds.</summary>
    public long CacheBytes => 0;

    public KernelSupport Supports(Precision precision) => precision is Precision.Fp32 or Precision.Fp64
        ? KernelSupport.Yes
        : KernelSupport.No("the reference backend has fp32 and fp64 only");

    public Arena Allocate(long bytes) => new ManagedArena(bytes);

    public void Synchronize() { }

    public void Dispose() => _workers.Dispose();
}
