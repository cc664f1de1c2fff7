using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// Memory descriptors. oneDNN's dimensions are logical (N,C,H,W and K,C,R,S whatever the layout); the tag says how they
/// lie in memory.
/// </summary>
internal static unsafe class Formats
{
    internal static dnnl_memory_desc_t Activations(
        int n, int h, int w, int c, DataType type, dnnl_format_tag_t layout) => Create(type, layout, n, c, h, w);

    internal static dnnl_memory_desc_t Filter(int k, int r, int s, int c, DataType type) =>
        Create(type, dnnl_format_tag_t.dnnl_ohwi, k, c, r, s);

    /// <summary>From KCRS some layouts can be reached that oneDNN does not reach from KRSC.</summary>
    internal static dnnl_memory_desc_t PlanarFilter(int k, int r, int s, int c, DataType type) =>
        Create(type, dnnl_format_tag_t.dnnl_oihw, k, c, r, s);

    /// <summary>A filter in the layout that the primitive likes best.</summary>
    internal static dnnl_memory_desc_t AnyFilter(int k, int r, int s, int c, DataType type) =>
        Create(type, dnnl_format_tag_t.dnnl_format_tag_any, k, c, r, s);

    internal static dnnl_memory_desc_t Matrix(int rows, int columns, DataType type) =>
        Create(type, dnnl_format_tag_t.dnnl_ab, rows, columns);

    internal static dnnl_memory_desc_t AnyMatrix(int rows, int columns, DataType type) =>
        Create(type, dnnl_format_tag_t.dnnl_format_tag_any, rows, columns);

    internal static dnnl_memory_desc_t Vector(int c, DataType type) => Create(type, dnnl_format_tag_t.dnnl_a, c);

    internal static long Bytes(in dnnl_memory_desc_t format)
    {
        fixed (dnnl_memory_desc_t* pointer = &format)
            return (long)Dnnl.dnnl_memory_desc_get_size(pointer);
    }

    internal static bool AreEqual(in dnnl_memory_desc_t left, in dnnl_memory_desc_t right)
    {
        fixed (dnnl_memory_desc_t* a = &left, b = &right)
            return Dnnl.dnnl_memory_desc_equal(a, b) != 0;
    }

    private static dnnl_memory_desc_t Create(DataType type, dnnl_format_tag_t tag, params ReadOnlySpan<long> dims)
    {
        dnnl_memory_desc_t format;
        fixed (long* first = dims)
            Dnnl.dnnl_memory_desc_init_by_tag(&format, dims.Length, first, NativeType(type), tag).ThrowIfFailed();
        return format;
    }

    private static dnnl_data_type_t NativeType(DataType type) => type switch
    {
        DataType.Float32 => dnnl_data_type_t.dnnl_f32,
        DataType.BFloat16 => dnnl_data_type_t.dnnl_bf16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "oneDNN's primitives take f32 and bf16 here."),
    };
}
