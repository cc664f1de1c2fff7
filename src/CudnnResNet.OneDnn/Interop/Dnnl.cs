using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>The functions of oneDNN 2's dnnl.h that the backend calls, name for name.</summary>
internal static unsafe partial class Dnnl
{
    internal const string Library = "dnnl";

    [LibraryImport(Library)]
    internal static partial dnnl_version_t* dnnl_version();

    [LibraryImport(Library)]
    internal static partial dnnl_cpu_isa_t dnnl_get_effective_cpu_isa();

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
    internal static partial dnnl_status_t dnnl_memory_desc_init_by_tag(dnnl_memory_desc_t* memory_desc, int ndims,
        long* dims, dnnl_data_type_t data_type, dnnl_format_tag_t tag);

    [LibraryImport(Library)]
    internal static partial int dnnl_memory_desc_equal(dnnl_memory_desc_t* lhs, dnnl_memory_desc_t* rhs);

    [LibraryImport(Library)]
    internal static partial nuint dnnl_memory_desc_get_size(dnnl_memory_desc_t* memory_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_create(
        out DnnlMemory memory, dnnl_memory_desc_t* memory_desc, DnnlEngine engine, void* handle);

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
    internal static partial dnnl_status_t dnnl_post_ops_append_sum(DnnlPostOps post_ops, float scale);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_append_eltwise(
        DnnlPostOps post_ops, float scale, dnnl_alg_kind_t alg_kind, float alpha, float beta);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_forward_desc_init(dnnl_convolution_desc_t* conv_desc,
        dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind, dnnl_memory_desc_t* src_desc,
        dnnl_memory_desc_t* weights_desc, dnnl_memory_desc_t* bias_desc, dnnl_memory_desc_t* dst_desc,
        long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_data_desc_init(dnnl_convolution_desc_t* conv_desc,
        dnnl_alg_kind_t alg_kind, dnnl_memory_desc_t* diff_src_desc, dnnl_memory_desc_t* weights_desc,
        dnnl_memory_desc_t* diff_dst_desc, long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_weights_desc_init(
        dnnl_convolution_desc_t* conv_desc, dnnl_alg_kind_t alg_kind, dnnl_memory_desc_t* src_desc,
        dnnl_memory_desc_t* diff_weights_desc, dnnl_memory_desc_t* diff_bias_desc, dnnl_memory_desc_t* diff_dst_desc,
        long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_forward_desc_init(dnnl_inner_product_desc_t* ip_desc,
        dnnl_prop_kind_t prop_kind, dnnl_memory_desc_t* src_desc, dnnl_memory_desc_t* weights_desc,
        dnnl_memory_desc_t* bias_desc, dnnl_memory_desc_t* dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_data_desc_init(
        dnnl_inner_product_desc_t* ip_desc, dnnl_memory_desc_t* diff_src_desc, dnnl_memory_desc_t* weights_desc,
        dnnl_memory_desc_t* diff_dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_weights_desc_init(
        dnnl_inner_product_desc_t* ip_desc, dnnl_memory_desc_t* src_desc, dnnl_memory_desc_t* diff_weights_desc,
        dnnl_memory_desc_t* diff_bias_desc, dnnl_memory_desc_t* diff_dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_reorder_primitive_desc_create(
        out DnnlPrimitiveDescriptor reorder_primitive_desc, dnnl_memory_desc_t* src_desc, DnnlEngine src_engine,
        dnnl_memory_desc_t* dst_desc, DnnlEngine dst_engine, DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_desc_create(out DnnlPrimitiveDescriptor primitive_desc,
        void* op_desc, DnnlAttributes attr, DnnlEngine engine, DnnlPrimitiveDescriptor hint_forward_primitive_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_desc_destroy(nint primitive_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_desc_query(
        DnnlPrimitiveDescriptor primitive_desc, dnnl_query_t what, int index, void* result);

    [LibraryImport(Library)]
    internal static partial dnnl_memory_desc_t* dnnl_primitive_desc_query_md(
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
