using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// Memory descriptors. oneDNN's dimensions are logical (N,C,H,W and K,C,R,S whatever the layout).
/// </summary>
internal static class Formats
{
    internal static DnnlMemoryDescriptor Activations(int n, int h, int w, int c, DataType type) =>
        Describe(type, Layout.ChannelsLast, n, c, h, w);

    internal static DnnlMemoryDescriptor Filter(int k, int r, int s, int c, DataType type) =>
        Describe(type, Layout.ChannelsLast, k, c, r, s);

    /// <summary>From KCRS some layouts can be reached that oneDNN does not reach from KRSC.</summary>
    internal static DnnlMemoryDescriptor PlanarFilter(int k, int r, int s, int c, DataType type) =>
        Describe(type, Layout.Planar, k, c, r, s);

    /// <summary>A filter in the layout that the primitive likes best.</summary>
    internal static DnnlMemoryDescriptor AnyFilter(int k, int r, int s, int c, DataType type) =>
        Describe(type, Layout.Any, k, c, r, s);

    internal static DnnlMemoryDescriptor Matrix(int rows, int columns, DataType type) =>
        Describe(type, Layout.Matrix, rows, columns);

    internal static DnnlMemoryDescriptor AnyMatrix(int rows, int columns, DataType type) =>
        Describe(type, Layout.Any, rows, columns);

    internal static DnnlMemoryDescriptor Vector(int c, DataType type) => Describe(type, Layout.Vector, c);

    internal static long Bytes(DnnlMemoryDescriptor format) => (long)Dnnl.dnnl_memory_desc_get_size(format);

    internal static bool AreEqual(DnnlMemoryDescriptor left, DnnlMemoryDescriptor right) =>
        Dnnl.dnnl_memory_desc_equal(left, right) != 0;

    private static DnnlMemoryDescriptor Describe(DataType type, Layout layout, params ReadOnlySpan<long> dims) =>
        OneDnnVersion.Loaded.Describe(type, layout, dims);
}
