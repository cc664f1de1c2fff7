using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// What Winograd's method takes: float32, 3x3, stride 1, channels in whole blocks. It multiplies 2.25 or 4 times less
/// than the direct way and rounds more: results differ from the direct ones by up to 2e-6 of the largest.
/// </summary>
internal sealed class WinogradGeometry(int n, ConvolutionGeometry g)
{
    private const int TileExtent = 4;

    internal ChannelBlocks X { get; } = new(n, (nint)g.H * g.W, g.C);

    internal ChannelBlocks Y { get; } = new(n, (nint)g.P * g.Q, g.K);

    internal static KernelSupport Check(ConvolutionGeometry g, DataType type) =>
        type != DataType.Float32 ? KernelSupport.No("Winograd takes f32")
        : g is not { R: 3, S: 3, Stride: 1, Padding: 0 or 1 } ? KernelSupport.No("Winograd takes 3x3 filters of stride 1")
        : g.C % ChannelBlocks.Width != 0 || g.K % ChannelBlocks.Width != 0
            ? KernelSupport.No($"Winograd takes multiples of {ChannelBlocks.Width} channels")
        : Math.Min(g.P, g.Q) < TileExtent || Math.Min(g.H, g.W) < TileExtent
            ? KernelSupport.No($"Winograd's tiles of {TileExtent}x{TileExtent} results would be mostly padding")
        : KernelSupport.Yes;

    internal ConvolutionPrimitives Primitives(PrimitiveFactory factory) =>
        new(factory, n, g, DataType.Float32, ConvolutionMethod.Winograd);
}
