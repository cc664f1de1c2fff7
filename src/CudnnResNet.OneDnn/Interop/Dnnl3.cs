using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>The functions that only oneDNN 3 has, or declares otherwise than oneDNN 2.</summary>
internal static unsafe partial class Dnnl3
{
    private const string Library = Dnnl.Library;

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_desc_create_with_tag(
        out nint memory_desc, int ndims, long* dims, dnnl_data_type_t data_type, int tag);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_desc_clone(out nint memory_desc, nint existing_memory_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_desc_destroy(nint memory_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_append_sum(
        DnnlPostOps post_ops, float scale, int zero_point, dnnl_data_type_t data_type);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_append_eltwise(
        DnnlPostOps post_ops, int alg_kind, float alpha, float beta);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, dnnl_prop_kind_t prop_kind,
        dnnl_alg_kind_t alg_kind, DnnlMemoryDescriptor src_desc, DnnlMemoryDescriptor weights_desc,
        DnnlMemoryDescriptor bias_desc, DnnlMemoryDescriptor dst_desc, long* strides, long* dilates,
        long* padding_l, long* padding_r, DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_data_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, dnnl_alg_kind_t alg_kind,
        DnnlMemoryDescriptor diff_src_desc, DnnlMemoryDescriptor weights_desc, DnnlMemoryDescriptor diff_dst_desc,
        long* strides, long* dilates, long* padding_l, long* padding_r, DnnlPrimitiveDescriptor hint_fwd_pd,
        DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_weights_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, dnnl_alg_kind_t alg_kind,
        DnnlMemoryDescriptor src_desc, DnnlMemoryDescriptor diff_weights_desc, DnnlMemoryDescriptor diff_bias_desc,
        DnnlMemoryDescriptor diff_dst_desc, long* strides, long* dilates, long* padding_l, long* padding_r,
        DnnlPrimitiveDescriptor hint_fwd_pd, DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_forward_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, dnnl_prop_kind_t prop_kind,
        DnnlMemoryDescriptor src_desc, DnnlMemoryDescriptor weights_desc, DnnlMemoryDescriptor bias_desc,
        DnnlMemoryDescriptor dst_desc, DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_data_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, DnnlMemoryDescriptor diff_src_desc,
        DnnlMemoryDescriptor weights_desc, DnnlMemoryDescriptor diff_dst_desc, DnnlPrimitiveDescriptor hint_fwd_pd,
        DnnlAttributes attr);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_weights_primitive_desc_create(
        out DnnlPrimitiveDescriptor primitive_desc, DnnlEngine engine, DnnlMemoryDescriptor src_desc,
        DnnlMemoryDescriptor diff_weights_desc, DnnlMemoryDescriptor diff_bias_desc, DnnlMemoryDescriptor diff_dst_desc,
        DnnlPrimitiveDescriptor hint_fwd_pd, DnnlAttributes attr);
}
