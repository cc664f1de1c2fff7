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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal RowOrigin Origin(nint row) => new(row * Channels, row / Spatial * Channels);
}

/// <summary>The first element of a row in an NHWC tensor, and that of its image in the pooled tensor [N,C].</summary>
internal readonly record struct RowOrigin(nint Tensor, nint Pooled);
