using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>The functions of dnnl.h that oneDNN 2 and 3 declare alike, name for name, as far as the backend calls them.</summary>
internal static unsafe partial class Dnnl
{
    internal const string Library = "dnnl";

    [LibraryImport(Library)]
    internal static partial dnnl_version_t* dnnl_version();

    [LibraryImport(Library)]
    internal static partial int dnnl_get_effective_cpu_isa();

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_engine_create(
        out DnnlEngine engine, dnnl_engine_kind_t kind, nuint index);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_engine_destroy(nint engine);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_stream_create(
        out DnnlStream stream, DnnlEngine engine, dnnl_stream_flags_t flags);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_stream_wait(DnnlStream stream);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_stream_destroy(nint stream);

    [LibraryImport(Library)]
    internal static partial int dnnl_memory_desc_equal(DnnlMemoryDescriptor lhs, DnnlMemoryDescriptor rhs);

    [LibraryImport(Library)]
    internal static partial nuint dnnl_memory_desc_get_size(DnnlMemoryDescriptor memory_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_create(
        out DnnlMemory memory, DnnlMemoryDescriptor memory_desc, DnnlEngine engine, void* handle);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_destroy(nint memory);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_attr_create(out DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_attr_destroy(nint attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_attr_set_scratchpad_mode(
        DnnlAttributes attr, dnnl_scratchpad_mode_t mode);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_attr_set_post_ops(DnnlAttributes attr, DnnlPostOps post_ops);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_create(out DnnlPostOps post_ops);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_destroy(nint post_ops);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_reorder_primitive_desc_create(
        out DnnlPrimitiveDescriptor reorder_primitive_desc, DnnlMemoryDescriptor src_desc, DnnlEngine src_engine,
        DnnlMemoryDescriptor dst_desc, DnnlEngine dst_engine, DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_desc_destroy(nint primitive_desc);

    [LibraryImport(Library)]
    internal static partial nint dnnl_primitive_desc_query_md(
        DnnlPrimitiveDescriptor primitive_desc, dnnl_query_t what, int index);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_create(
        out DnnlPrimitive primitive, DnnlPrimitiveDescriptor primitive_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_execute(
        DnnlPrimitive primitive, DnnlStream stream, int nargs, dnnl_exec_arg_t* args);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_destroy(nint primitive);
}
