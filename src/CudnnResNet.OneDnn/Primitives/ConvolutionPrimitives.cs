using CudnnResNet.Graph;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>What follows a forward convolution inside its primitive, in this order.</summary>
/// <param name="Bias">Adds b[K].</param>
/// <param name="Sum">Adds what lies in the result's memory.</param>
/// <param name="Relu">Takes the maximum with 0.</param>
internal readonly record struct ConvolutionEpilogue(bool Bias, bool Sum, bool Relu);

/// <summary>Writes convolution descriptors and compiles them, with filters in the layout that oneDNN chooses.</summary>
internal sealed class ConvolutionPrimitives(
    PrimitiveFactory factory, int n, ConvolutionGeometry g, DataType type)
{
    internal DnnlMemoryDescriptor X { get; } = Formats.Activations(n, g.H, g.W, g.C, type);

    internal DnnlMemoryDescriptor Y { get; } = Formats.Activations(n, g.P, g.Q, g.K, type);

    internal DnnlMemoryDescriptor Bias { get; } = Formats.Vector(g.K, DataType.Float32);

    /// <summary>The filter as parameters keep it.</summary>
    internal DnnlMemoryDescriptor KeptFilter { get; } = Formats.Filter(g.K, g.R, g.S, g.C, DataType.Float32);

    /// <param name="epilogue">What follows.</param>
    /// <param name="constantWeights">Lets oneDNN choose a layout that is dear to bring a filter into.</param>
    internal CompiledPrimitive? Forward(ConvolutionEpilogue epilogue, bool constantWeights = false)
    {
        using DnnlAttributes attributes = factory.CreateAttributes();
        using DnnlPostOps postOps = PostOps(epilogue);
        Dnnl.dnnl_primitive_attr_set_post_ops(attributes, postOps).ThrowIfFailed();
        return factory.Keep(OneDnnVersion.Loaded.ConvolutionForward(out DnnlPrimitiveDescriptor created, factory.Engine,
            constantWeights ? dnnl_prop_kind_t.dnnl_forward_inference : dnnl_prop_kind_t.dnnl_forward_training,
            dnnl_alg_kind_t.dnnl_convolution_direct, X, Formats.AnyFilter(g.K, g.R, g.S, g.C, type),
            epilogue.Bias ? Bias : DnnlMemoryDescriptor.None, Y, g.Stride, g.Padding, attributes), created);
    }

    internal CompiledPrimitive? BackwardData()
    {
        if (Forward(default) is not { } forward)
            return null;
        using DnnlAttributes attributes = factory.CreateAttributes();
        return factory.Keep(OneDnnVersion.Loaded.ConvolutionBackwardData(out DnnlPrimitiveDescriptor created,
            factory.Engine, dnnl_alg_kind_t.dnnl_convolution_direct, X, Formats.AnyFilter(g.K, g.R, g.S, g.C, type), Y, g.Stride, g.Padding,
            forward.Descriptor, attributes), created);
    }

    /// <summary>The filter's gradient stays float32 whatever the activations are.</summary>
    internal CompiledPrimitive? BackwardFilter()
    {
        if (Forward(default) is not { } forward)
            return null;
        using DnnlAttributes attributes = factory.CreateAttributes();
        return factory.Keep(OneDnnVersion.Loaded.ConvolutionBackwardFilter(out DnnlPrimitiveDescriptor created,
            factory.Engine, dnnl_alg_kind_t.dnnl_convolution_direct, X, Formats.AnyFilter(g.K, g.R, g.S, g.C, DataType.Float32), Y, g.Stride,
            g.Padding, forward.Descriptor, attributes), created);
    }

    /// <summary>How the kept filter gets into the layout of a primitive that reads it.</summary>
    internal FilterPacking Packing(CompiledPrimitive reader) => new(factory, KeptFilter,
        reader.Format(dnnl_query_t.dnnl_query_weights_md), Formats.PlanarFilter(g.K, g.R, g.S, g.C, DataType.Float32));

    private static DnnlPostOps PostOps(ConvolutionEpilogue epilogue)
    {
        Dnnl.dnnl_post_ops_create(out DnnlPostOps postOps).ThrowIfFailed();
        if (epilogue.Sum)
            OneDnnVersion.Loaded.AppendSum(postOps).ThrowIfFailed();
        if (epilogue.Relu)
            OneDnnVersion.Loaded.AppendRelu(postOps).ThrowIfFailed();
        return postOps;
    }
}
