using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;
using static CudnnResNet.OneDnn.Interop.Dnnl3Constants;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>The C API of oneDNN 3 (Debian 13, Ubuntu 24.04).</summary>
internal sealed unsafe class OneDnn3 : OneDnnVersion
{
    internal override string InstructionSet => Dnnl.dnnl_get_effective_cpu_isa() switch
    {
        dnnl_cpu_isa_sse41 => "sse41",
        dnnl_cpu_isa_avx => "avx",
        dnnl_cpu_isa_avx2 => "avx2",
        dnnl_cpu_isa_avx2_vnni => "avx2_vnni",
        dnnl_cpu_isa_avx2_vnni_2 => "avx2_vnni_2",
        dnnl_cpu_isa_avx512_core => "avx512_core",
        dnnl_cpu_isa_avx512_core_vnni => "avx512_core_vnni",
        dnnl_cpu_isa_avx512_core_bf16 => "avx512_core_bf16",
        dnnl_cpu_isa_avx512_core_fp16 => "avx512_core_fp16",
        dnnl_cpu_isa_avx512_core_amx => "avx512_core_amx",
        dnnl_cpu_isa_avx512_core_amx_fp16 => "avx512_core_amx_fp16",
        dnnl_cpu_isa_default => "default",
        int other => $"0x{other:x}",
    };

    internal override DnnlMemoryDescriptor Describe(DataType type, Layout layout, params ReadOnlySpan<long> dims)
    {
        nint created;
        fixed (long* first = dims)
            Dnnl3.dnnl_memory_desc_create_with_tag(out created, dims.Length, first, NativeType(type), Tag(layout))
                .ThrowIfFailed();
        return new DnnlMemoryDescriptor3(created);
    }

    internal override DnnlMemoryDescriptor Copy(nint borrowed)
    {
        Dnnl3.dnnl_memory_desc_clone(out nint created, borrowed).ThrowIfFailed();
        return new DnnlMemoryDescriptor3(created);
    }

    internal override dnnl_status_t AppendSum(DnnlPostOps postOps) =>
        Dnnl3.dnnl_post_ops_append_sum(postOps, scale: 1, zero_point: 0, (dnnl_data_type_t)dnnl_data_type_undef);

    internal override dnnl_status_t AppendRelu(DnnlPostOps postOps) =>
        Dnnl3.dnnl_post_ops_append_eltwise(postOps, dnnl_eltwise_relu, alpha: 0, beta: 0);

    internal override dnnl_status_t ConvolutionForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_prop_kind_t kind, dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor w,
        DnnlMemoryDescriptor b, DnnlMemoryDescriptor y, int stride, int padding, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* dilations = stackalloc long[] { 0, 0 };
        long* paddings = stackalloc long[] { padding, padding };
        return Dnnl3.dnnl_convolution_forward_primitive_desc_create(out created, engine, kind, algorithm,
            x, w, b, y, strides, dilations, paddings, paddings, attributes);
    }

    internal override dnnl_status_t ConvolutionBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* dilations = stackalloc long[] { 0, 0 };
        long* paddings = stackalloc long[] { padding, padding };
        return Dnnl3.dnnl_convolution_backward_data_primitive_desc_create(out created, engine, algorithm,
            dx, w, dy, strides, dilations, paddings, paddings, forward, attributes);
    }

    internal override dnnl_status_t ConvolutionBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* dilations = stackalloc long[] { 0, 0 };
        long* paddings = stackalloc long[] { padding, padding };
        return Dnnl3.dnnl_convolution_backward_weights_primitive_desc_create(out created, engine, algorithm,
            x, dw, DnnlMemoryDescriptor.None, dy, strides, dilations, paddings, paddings, forward, attributes);
    }

    internal override dnnl_status_t LinearForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor w, DnnlMemoryDescriptor b, DnnlMemoryDescriptor y,
        DnnlAttributes attributes) =>
        Dnnl3.dnnl_inner_product_forward_primitive_desc_create(
            out created, engine, dnnl_prop_kind_t.dnnl_forward_training, x, w, b, y, attributes);

    internal override dnnl_status_t LinearBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes) =>
        Dnnl3.dnnl_inner_product_backward_data_primitive_desc_create(out created, engine, dx, w, dy, forward, attributes);

    internal override dnnl_status_t LinearBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes) =>
        Dnnl3.dnnl_inner_product_backward_weights_primitive_desc_create(
            out created, engine, x, dw, DnnlMemoryDescriptor.None, dy, forward, attributes);

    private static int Tag(Layout layout) => layout switch
    {
        Layout.Any => dnnl_format_tag_any,
        Layout.Vector => dnnl_a,
        Layout.Matrix => dnnl_ab,
        Layout.ChannelsLast => dnnl_nhwc,
        Layout.Planar => dnnl_oihw,
        _ => throw new ArgumentOutOfRangeException(nameof(layout)),
    };
}
