using System.Collections.Immutable;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Kernels.Convolution;
using CudnnResNet.Cuda.Kernels.Fused;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Cuda.Kernels.Products;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>Every kernel of the backend, engines by their rank; the last of each kind refuses nothing that is legal.</summary>
internal static class KernelCatalog
{
    /// <summary>As many engines as cuDNN's own autotuning tries; the first is meant to be the best guess.</summary>
    private const int EngineRanks = 8;

    /// <summary>Exact patterns have few engines.</summary>
    private const int FusedRanks = 2;

    private const int ProductRanks = 3;

    /// <summary>One layer of a network, the first.</summary>
    private const int PaddedRanks = 4;

    internal static ImmutableArray<Kernel> Create(CudaSession session) =>
    [
        .. Enum.GetValues<ConvolutionPass>().SelectMany(pass => Convolutions(session, pass)),
        .. Enumerable.Range(0, ProductRanks).Select(rank => new LinearKernel(session, rank)),
        new ProductKernel(session),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new ConvolutionStatisticsKernel(session, rank)),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new ConvolutionStatisticsKernel(session, rank, isPadded: true)),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new ConvolutionChainKernel(session, rank)),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new GradientThroughNormKernel(session, rank)),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new NormFilterGradientKernel(session, rank)),
        new BatchNormTrainingKernel(session),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new NormForwardKernel(session, rank)),
        new ClassicNormForwardKernel(session),
        new BatchNormBackwardKernel(session),
        .. Enumerable.Range(0, FusedRanks).Select(rank => new NormBackwardKernel(session, rank)),
        new AffineKernel(session),
        new PointwiseKernel(session),
        new PoolingKernel(session),
        new ChannelSumKernel(session),
        new LossKernel(session),
        new NormKernel(session),
        new LossScalingKernel(session),
        new SgdKernel(session),
        new BlendKernel(session),
        new FindOverflowKernel(session),
    ];

    private static IEnumerable<Kernel> Convolutions(CudaSession session, ConvolutionPass pass) =>
        Enumerable.Range(0, EngineRanks).Select(rank => (Kernel)new EngineConvolutionKernel(session, pass, rank))
            .Concat(Enumerable.Range(0, pass == ConvolutionPass.BackwardData ? 0 : PaddedRanks)
                .Select(rank => new EngineConvolutionKernel(session, pass, rank, isPadded: true)))
            .Concat(Enumerable.Range(0, ProductRanks).Select(rank => new PointwiseConvolutionKernel(session, pass, rank)))
            .Append(new ClassicConvolutionKernel(session, pass));
}
