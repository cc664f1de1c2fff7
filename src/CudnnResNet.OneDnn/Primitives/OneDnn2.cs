using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;
using static CudnnResNet.OneDnn.Interop.Dnnl2Constants;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>The C API of oneDNN 2 (Debian 12, Ubuntu 22.04).</summary>
internal sealed unsafe class OneDnn2 : OneDnnVersion
{
    internal override string InstructionSet => Dnnl.dnnl_get_effective_cpu_isa() switch
    {
        dnnl_cpu_isa_sse41 => "sse41",
        dnnl_cpu_isa_avx => "avx",
        dnnl_cpu_isa_avx2 => "avx2",
        dnnl_cpu_isa_avx2_vnni => "avx2_vnni",
        dnnl_cpu_isa_avx512_core => "avx512_core",
        dnnl_cpu_isa_avx512_core_vnni => "avx512_core_vnni",
        dnnl_cpu_isa_avx512_core_bf16 => "avx512_core_bf16",
        dnnl_cpu_isa_avx512_core_amx => "avx512_core_amx",
        dnnl_cpu_isa_all => "all",
        int other => $"0x{other:x}",
    };

    internal override DnnlMemoryDescriptor Describe(DataType type, Layout layout, params ReadOnlySpan<long> dims)
    {
        DnnlMemoryDescriptor2 descriptor = new();
        fixed (long* first = dims)
            Dnnl2.dnnl_memory_desc_init_by_tag(descriptor, dims.Length, first, NativeType(type), Tag(layout)).ThrowIfFailed();
        return descriptor;
    }

    internal override DnnlMemoryDescriptor Copy(nint borrowed) => new DnnlMemoryDescriptor2((dnnl_memory_desc_t*)borrowed);

    internal override dnnl_status_t AppendSum(DnnlPostOps postOps) => Dnnl2.dnnl_post_ops_append_sum(postOps, scale: 1);

    internal override dnnl_status_t AppendRelu(DnnlPostOps postOps) =>
        Dnnl2.dnnl_post_ops_append_eltwise(postOps, scale: 1, dnnl_eltwise_relu, alpha: 0, beta: 0);

    internal override dnnl_status_t ConvolutionForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_prop_kind_t kind, dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor w,
        DnnlMemoryDescriptor b, DnnlMemoryDescriptor y, int stride, int padding, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* paddings = stackalloc long[] { padding, padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl2.dnnl_convolution_forward_desc_init(&descriptor, kind, algorithm, x, w, b, y, strides, paddings, paddings)
            .ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, DnnlPrimitiveDescriptor.None);
    }

    internal override dnnl_status_t ConvolutionBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* paddings = stackalloc long[] { padding, padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl2.dnnl_convolution_backward_data_desc_init(&descriptor, algorithm, dx, w, dy, strides, paddings, paddings)
            .ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, forward);
    }

    internal override dnnl_status_t ConvolutionBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes)
    {
        long* strides = stackalloc long[] { stride, stride };
        long* paddings = stackalloc long[] { padding, padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl2.dnnl_convolution_backward_weights_desc_init(
            &descriptor, algorithm, x, dw, DnnlMemoryDescriptor.None, dy, strides, paddings, paddings).ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, forward);
    }

    internal override dnnl_status_t LinearForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor w, DnnlMemoryDescriptor b, DnnlMemoryDescriptor y,
        DnnlAttributes attributes)
    {
        dnnl_inner_product_desc_t descriptor;
        Dnnl2.dnnl_inner_product_forward_desc_init(
            &descriptor, dnnl_prop_kind_t.dnnl_forward_training, x, w, b, y).ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, DnnlPrimitiveDescriptor.None);
    }

    internal override dnnl_status_t LinearBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes)
    {
        dnnl_inner_product_desc_t descriptor;
        Dnnl2.dnnl_inner_product_backward_data_desc_init(&descriptor, dx, w, dy).ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, forward);
    }

    internal override dnnl_status_t LinearBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes)
    {
        dnnl_inner_product_desc_t descriptor;
        Dnnl2.dnnl_inner_product_backward_weights_desc_init(&descriptor, x, dw, DnnlMemoryDescriptor.None, dy)
            .ThrowIfFailed();
        return Create(out created, &descriptor, attributes, engine, forward);
    }

    private static dnnl_status_t Create(out DnnlPrimitiveDescriptor created, void* descriptor,
        DnnlAttributes attributes, DnnlEngine engine, DnnlPrimitiveDescriptor forward) =>
        Dnnl2.dnnl_primitive_desc_create(out created, descriptor, attributes, engine, forward);

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
