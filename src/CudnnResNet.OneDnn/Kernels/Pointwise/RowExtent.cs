using System.Runtime.CompilerServices;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>An NHWC tensor as rows of channels. <c>Spatial</c> is H * W: the rows of one image.</summary>
internal readonly record struct RowExtent(nint Rows, nint Channels, nint Spatial)
{
    internal static RowExtent Of(TensorShape shape)
    {
        nint channels = shape.C;
        return new((nint)(shape.Elements / channels), channels, shape.Rank == 4 ? (nint)shape.H * shape.W : 1);
    }

    /// <summary>The division is worth avoiding: a row may be only a few vectors long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RowOrigin Origin<TSource>(nint row) where TSource : struct, ISource =>
        new(row * Channels, TSource.ReadsPooled ? row / Spatial * Channels : 0);
}

/// <summary>The first element of a row in an NHWC tensor, and that of its image in the pooled tensor [N,C].</summary>
internal readonly record struct RowOrigin(nint Tensor, nint Pooled);
