using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.BatchNorm;
using CudnnResNet.OneDnn.Kernels.Convolution;
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
    internal static ImmutableArray<Kernel> Create(
        PrimitiveFactory factory, ThreadTeam team, Float32Convolution float32Convolution, CpuFeatures own) =>
    [
        new ConvolutionForwardKernel(factory),
        new ConvolutionBackwardDataKernel(factory),
        new ProductBackwardDataKernel(factory),
        .. own.HasFlag(CpuFeatures.Avx512Bf16) ? OwnBf16(team) : [],
        new ConvolutionBackwardFilterKernel(factory),
        new ProductBackwardFilterKernel(factory),
        .. float32Convolution == Float32Convolution.DirectOrWinograd ? Winograd(factory) : [],
        new BatchNormTrainingKernel(team),
        new BatchNormBackwardKernel(team),
        new PointwiseKernel(team),
        new PointwiseGradientKernel(team),
        new MaxPoolKernel(team),
        new MaxPoolBackwardKernel(team),
        new GlobalAveragePoolKernel(team),
        new LinearForwardKernel(factory),
        new LinearBackwardDataKernel(factory),
        new LinearBackwardFilterKernel(factory),
        new ChannelSumKernel(team),
        new SoftmaxCrossEntropyKernel(team, gradient: false),
        new SoftmaxCrossEntropyKernel(team, gradient: true),
        new SigmoidCrossEntropyKernel(gradient: false),
        new SigmoidCrossEntropyKernel(gradient: true),
        new SgdUpdateKernel(team),
        new CastKernel(team),
    ];

    private static Kernel[] OwnBf16(ThreadTeam team) =>
    [
        new PairedBackwardFilterKernel(team),
    ];

    private static Kernel[] Winograd(PrimitiveFactory factory) =>
    [
        new WinogradForwardKernel(factory),
        new WinogradBackwardDataKernel(factory),
        new WinogradBackwardFilterKernel(factory),
    ];
}
