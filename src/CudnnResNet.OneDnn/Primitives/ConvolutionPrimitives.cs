using CudnnResNet.Graph;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>What follows a forward convolution inside its primitive, in this order.</summary>
/// <param name="Bias">Adds b[K].</param>
/// <param name="Sum">Adds what lies in the result's memory.</param>
/// <param name="Relu">Takes the maximum with 0.</param>
internal readonly record struct ConvolutionEpilogue(bool Bias, bool Sum, bool Relu);

/// <summary>How oneDNN convolves, and which layout of the activations that takes.</summary>
internal enum ConvolutionMethod
{
    /// <summary>NHWC in and out.</summary>
    Direct,

    /// <summary>Fewer multiplications for 3x3 filters of stride 1; activations in blocks of 16 channels.</summary>
    Winograd,
}

/// <summary>Writes convolution descriptors and compiles them, with filters in the layout that oneDNN chooses.</summary>
internal sealed unsafe class ConvolutionPrimitives(
    PrimitiveFactory factory, int n, ConvolutionGeometry g, DataType type, ConvolutionMethod method = ConvolutionMethod.Direct)
{
    private readonly dnnl_alg_kind_t _algorithm = method == ConvolutionMethod.Winograd
        ? dnnl_alg_kind_t.dnnl_convolution_winograd
        : dnnl_alg_kind_t.dnnl_convolution_direct;

    internal dnnl_memory_desc_t X { get; } = Formats.Activations(n, g.H, g.W, g.C, type, Layout(method));

    internal dnnl_memory_desc_t Y { get; } = Formats.Activations(n, g.P, g.Q, g.K, type, Layout(method));

    internal dnnl_memory_desc_t Bias { get; } = Formats.Vector(g.K, DataType.Float32);

    /// <summary>The filter as parameters keep it.</summary>
    internal dnnl_memory_desc_t KeptFilter { get; } = Formats.Filter(g.K, g.R, g.S, g.C, DataType.Float32);

    /// <param name="epilogue">What follows.</param>
    /// <param name="constantWeights">Lets oneDNN choose a layout that is dear to bring a filter into.</param>
    internal CompiledPrimitive? Forward(ConvolutionEpilogue epilogue, bool constantWeights = false)
    {
        dnnl_memory_desc_t x = X, y = Y, b = Bias, w = Formats.AnyFilter(g.K, g.R, g.S, g.C, type);
        long* strides = stackalloc long[] { g.Stride, g.Stride };
        long* padding = stackalloc long[] { g.Padding, g.Padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl.dnnl_convolution_forward_desc_init(&descriptor,
            constantWeights ? dnnl_prop_kind_t.dnnl_forward_inference : dnnl_prop_kind_t.dnnl_forward_training,
            _algorithm, &x, &w, epilogue.Bias ? &b : null, &y, strides, padding, padding)
            .ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        using DnnlPostOps postOps = PostOps(epilogue);
        Dnnl.dnnl_primitive_attr_set_post_ops(attributes, postOps).ThrowIfFailed();
        return factory.TryCompile(&descriptor, attributes);
    }

    internal CompiledPrimitive? BackwardData()
    {
        if (Forward(default) is not { } forward)
            return null;
        dnnl_memory_desc_t dx = X, dy = Y, w = Formats.AnyFilter(g.K, g.R, g.S, g.C, type);
        long* strides = stackalloc long[] { g.Stride, g.Stride };
        long* padding = stackalloc long[] { g.Padding, g.Padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl.dnnl_convolution_backward_data_desc_init(&descriptor,
            _algorithm, &dx, &w, &dy, strides, padding, padding).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes, forward);
    }

    /// <summary>The filter's gradient stays float32 whatever the activations are.</summary>
    internal CompiledPrimitive? BackwardFilter()
    {
        if (Forward(default) is not { } forward)
            return null;
        dnnl_memory_desc_t x = X, dy = Y, dw = Formats.AnyFilter(g.K, g.R, g.S, g.C, DataType.Float32);
        long* strides = stackalloc long[] { g.Stride, g.Stride };
        long* padding = stackalloc long[] { g.Padding, g.Padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl.dnnl_convolution_backward_weights_desc_init(&descriptor,
            _algorithm, &x, &dw, null, &dy, strides, padding, padding).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes, forward);
    }

    /// <summary>How the kept filter gets into the layout of a primitive that reads it.</summary>
    internal FilterPacking Packing(CompiledPrimitive reader) => new(factory, KeptFilter,
        reader.Format(dnnl_query_t.dnnl_query_weights_md), Formats.PlanarFilter(g.K, g.R, g.S, g.C, DataType.Float32));

    private static DnnlPostOps PostOps(ConvolutionEpilogue epilogue)
    {
        Dnnl.dnnl_post_ops_create(out DnnlPostOps postOps).ThrowIfFailed();
        if (epilogue.Sum)
            Dnnl.dnnl_post_ops_append_sum(postOps, scale: 1).ThrowIfFailed();
        if (epilogue.Relu)
            Dnnl.dnnl_post_ops_append_eltwise(postOps, 1, dnnl_alg_kind_t.dnnl_eltwise_relu, 0, 0).ThrowIfFailed();
        return postOps;
    }

    private static dnnl_format_tag_t Layout(ConvolutionMethod method) => method == ConvolutionMethod.Winograd
        ? dnnl_format_tag_t.dnnl_nChw16c
        : dnnl_format_tag_t.dnnl_nhwc;
}
