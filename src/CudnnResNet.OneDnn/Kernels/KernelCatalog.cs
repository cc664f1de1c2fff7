using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.BatchNorm;
using CudnnResNet.OneDnn.Kernels.Convolution;
using CudnnResNet.OneDnn.Kernels.Elementwise;
using CudnnResNet.OneDnn.Kernels.Linear;
using CudnnResNet.OneDnn.Kernels.Loss;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Kernels.Pooling;
using CudnnResNet.OneDnn.Native;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>Every kernel of the backend. Each operation has one that takes it alone, in float32 and bf16.</summary>
internal static class KernelCatalog
{
    private static readonly int[] Tiles = [4, 2];

    internal static ImmutableArray<Kernel> Create(
        PrimitiveFactory factory, ThreadTeam team, CpuFeatures own) =>
    [
        new ConvolutionForwardKernel(factory),
        new ConvolutionBackwardDataKernel(factory),
        new InnerProductBackwardDataKernel(factory),
        .. own.HasFlag(CpuFeatures.Avx512Bf16) ? OwnBf16(team, own) : [],
        new ConvolutionBackwardFilterKernel(factory),
        new InnerProductBackwardFilterKernel(factory),
        .. own.HasFlag(CpuFeatures.Avx2) ? OwnAvx2(team, own) : [],
        new BatchNormTrainingKernel(team),
        new BatchNormBackwardKernel(team),
        new PointwiseKernel(team),
        new PointwiseGradientKernel(team),
        new MaxPoolKernel(team),
        new MaxPoolBackwardKernel(team),
        new GlobalAveragePoolKernel(team),
        new SubsampleKernel(team),
        new LinearForwardKernel(factory),
        new LinearBackwardDataKernel(factory),
        new LinearBackwardFilterKernel(factory),
        new ChannelSumKernel(team),
        new SoftmaxCrossEntropyKernel(team, gradient: false),
        new SoftmaxCrossEntropyKernel(team, gradient: true),
        new SigmoidCrossEntropyKernel(gradient: false),
        new SigmoidCrossEntropyKernel(gradient: true),
        new SgdUpdateKernel(team),
        new BlendKernel(team),
        new LossScalingKernel(),
        new NormReluBackwardKernel(),
        new SquaredSumKernel(team),
        new ClipScaleKernel(),
        new TrustRatioKernel(),
        new CastKernel(team),
    ];

    private static IEnumerable<Kernel> OwnBf16(ThreadTeam team, CpuFeatures own)
    {
        CpuFeatures[] tiles = own.HasFlag(CpuFeatures.AmxBf16) ? [own] : [], vectors = [own & ~CpuFeatures.AmxBf16];
        foreach (CpuFeatures features in tiles.Concat(vectors))
        {
            yield return new PairedBackwardFilterKernel(team, features.HasFlag(CpuFeatures.AmxBf16));
            yield return new BottleneckForwardKernel(team, features);
            DirectConvolution direct = new(team, features);
            yield return new DirectForwardKernel(direct);
            yield return new DirectBackwardDataKernel(team, direct);
            yield return new ConvolutionBatchNormKernel(team, direct);
        }
    }

    private static IEnumerable<Kernel> OwnAvx2(ThreadTeam team, CpuFeatures own)
    {
        yield return new ProductForwardKernel(team, own);
        foreach (int tile in Tiles)
        {
            WinogradConvolution winograd = new(team, own, tile);
            yield return new WinogradForwardKernel(winograd, tile);
            yield return new WinogradBackwardDataKernel(winograd, tile);
        }
    }
}
