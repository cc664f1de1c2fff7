using CudnnResNet.Graph;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>What follows a forward convolution inside its primitive, in this order.</summary>
/// <param name="Bias">Adds b[K].</param>
/// <param name="Join">Adds a tensor of the result's shape.</param>
/// <param name="Relu">Takes the maximum with 0.</param>
internal readonly record struct ConvolutionEpilogue(bool Bias, ConvolutionJoin Join, bool Relu);

internal enum ConvolutionJoin
{
    None,

    /// <summary>What lies in the result's memory.</summary>
    Sum,

    /// <summary>A second tensor.</summary>
    Binary,
}

/// <summary>Writes convolution descriptors and compiles them: NHWC activations, filters in the layout oneDNN chooses.</summary>
internal sealed unsafe class ConvolutionPrimitives(PrimitiveFactory factory, int n, ConvolutionGeometry g, DataType type)
{
    internal dnnl_memory_desc_t X { get; } = Formats.Activations(n, g.H, g.W, g.C, type);

    internal dnnl_memory_desc_t Y { get; } = Formats.Activations(n, g.P, g.Q, g.K, type);

    internal dnnl_memory_desc_t Bias { get; } = Formats.Vector(g.K, DataType.Float32);

    /// <summary>The filter as parameters keep it.</summary>
    internal dnnl_memory_desc_t KeptFilter { get; } = Formats.Filter(g.K, g.R, g.S, g.C, DataType.Float32);

    internal CompiledPrimitive? Forward(ConvolutionEpilogue epilogue)
    {
        dnnl_memory_desc_t x = X, y = Y, b = Bias, w = Formats.AnyFilter(g.K, g.R, g.S, g.C, type);
        long* strides = stackalloc long[] { g.Stride, g.Stride };
        long* padding = stackalloc long[] { g.Padding, g.Padding };
        dnnl_convolution_desc_t descriptor;
        Dnnl.dnnl_convolution_forward_desc_init(&descriptor, dnnl_prop_kind_t.dnnl_forward_training,
            dnnl_alg_kind_t.dnnl_convolution_direct, &x, &w, epilogue.Bias ? &b : null, &y, strides, padding, padding)
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
            dnnl_alg_kind_t.dnnl_convolution_direct, &dx, &w, &dy, strides, padding, padding).ThrowIfFailed();
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
            dnnl_alg_kind_t.dnnl_convolution_direct, &x, &dw, null, &dy, strides, padding, padding).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes, forward);
    }

    private DnnlPostOps PostOps(ConvolutionEpilogue epilogue)
    {
        dnnl_memory_desc_t y = Y;
        Dnnl.dnnl_post_ops_create(out DnnlPostOps postOps).ThrowIfFailed();
        if (epilogue.Join == ConvolutionJoin.Sum)
            Dnnl.dnnl_post_ops_append_sum(postOps, scale: 1).ThrowIfFailed();
        if (epilogue.Join == ConvolutionJoin.Binary)
            Dnnl.dnnl_post_ops_append_binary(postOps, dnnl_alg_kind_t.dnnl_binary_add, &y).ThrowIfFailed();
        if (epilogue.Relu)
            Dnnl.dnnl_post_ops_append_eltwise(postOps, 1, dnnl_alg_kind_t.dnnl_eltwise_relu, 0, 0).ThrowIfFailed();
        return postOps;
    }
}
