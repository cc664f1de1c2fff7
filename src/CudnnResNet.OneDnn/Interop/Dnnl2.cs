using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>The functions that only oneDNN 2 has, or declares otherwise than oneDNN 3.</summary>
internal static unsafe partial class Dnnl2
{
    private const string Library = Dnnl.Library;

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_memory_desc_init_by_tag(DnnlMemoryDescriptor2 memory_desc, int ndims,
        long* dims, dnnl_data_type_t data_type, int tag);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_append_sum(DnnlPostOps post_ops, float scale);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_post_ops_append_eltwise(
        DnnlPostOps post_ops, float scale, int alg_kind, float alpha, float beta);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_forward_desc_init(dnnl_convolution_desc_t* conv_desc,
        dnnl_prop_kind_t prop_kind, dnnl_alg_kind_t alg_kind, DnnlMemoryDescriptor src_desc,
        DnnlMemoryDescriptor weights_desc, DnnlMemoryDescriptor bias_desc, DnnlMemoryDescriptor dst_desc,
        long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_data_desc_init(dnnl_convolution_desc_t* conv_desc,
        dnnl_alg_kind_t alg_kind, DnnlMemoryDescriptor diff_src_desc, DnnlMemoryDescriptor weights_desc,
        DnnlMemoryDescriptor diff_dst_desc, long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_convolution_backward_weights_desc_init(
        dnnl_convolution_desc_t* conv_desc, dnnl_alg_kind_t alg_kind, DnnlMemoryDescriptor src_desc,
        DnnlMemoryDescriptor diff_weights_desc, DnnlMemoryDescriptor diff_bias_desc, DnnlMemoryDescriptor diff_dst_desc,
        long* strides, long* padding_l, long* padding_r);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_forward_desc_init(dnnl_inner_product_desc_t* ip_desc,
        dnnl_prop_kind_t prop_kind, DnnlMemoryDescriptor src_desc, DnnlMemoryDescriptor weights_desc,
        DnnlMemoryDescriptor bias_desc, DnnlMemoryDescriptor dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_data_desc_init(
        dnnl_inner_product_desc_t* ip_desc, DnnlMemoryDescriptor diff_src_desc, DnnlMemoryDescriptor weights_desc,
        DnnlMemoryDescriptor diff_dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_inner_product_backward_weights_desc_init(
        dnnl_inner_product_desc_t* ip_desc, DnnlMemoryDescriptor src_desc, DnnlMemoryDescriptor diff_weights_desc,
        DnnlMemoryDescriptor diff_bias_desc, DnnlMemoryDescriptor diff_dst_desc);

    [LibraryImport(Library)]
    internal static partial dnnl_status_t dnnl_primitive_desc_create(out DnnlPrimitiveDescriptor primitive_desc,
        void* op_desc, DnnlAttributes attr, DnnlEngine engine, DnnlPrimitiveDescriptor hint_forward_primitive_desc);
}
