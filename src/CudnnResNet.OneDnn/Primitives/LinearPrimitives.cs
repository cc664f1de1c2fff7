using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>Writes inner-product descriptors and compiles them: x[N,C], w[K,C], y[N,K], all row by row.</summary>
internal sealed unsafe class LinearPrimitives(PrimitiveFactory factory, int n, int c, int k)
{
    internal dnnl_memory_desc_t KeptWeight { get; } = Formats.Matrix(k, c, DataType.Float32);

    internal dnnl_memory_desc_t Bias { get; } = Formats.Vector(k, DataType.Float32);

    internal dnnl_memory_desc_t Y { get; } = Formats.Matrix(n, k, DataType.Float32);

    internal dnnl_memory_desc_t X(DataType type) => Formats.Matrix(n, c, type);

    /// <param name="type">That of x and of the weight as it is read.</param>
    /// <param name="weight">The weight's layout; any lets oneDNN choose.</param>
    internal CompiledPrimitive? Forward(DataType type, dnnl_memory_desc_t weight)
    {
        dnnl_memory_desc_t x = X(type), b = Bias, y = Y;
        dnnl_inner_product_desc_t descriptor;
        Dnnl.dnnl_inner_product_forward_desc_init(
            &descriptor, dnnl_prop_kind_t.dnnl_forward_training, &x, &weight, &b, &y).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes);
    }

    /// <summary>In float32.</summary>
    internal CompiledPrimitive? BackwardData()
    {
        if (Forward(DataType.Float32, KeptWeight) is not { } forward)
            return null;
        dnnl_memory_desc_t dx = X(DataType.Float32), w = KeptWeight, dy = Y;
        dnnl_inner_product_desc_t descriptor;
        Dnnl.dnnl_inner_product_backward_data_desc_init(&descriptor, &dx, &w, &dy).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes, forward);
    }

    /// <summary>In float32.</summary>
    internal CompiledPrimitive? BackwardWeight()
    {
        if (Forward(DataType.Float32, KeptWeight) is not { } forward)
            return null;
        dnnl_memory_desc_t x = X(DataType.Float32), dw = KeptWeight, dy = Y;
        dnnl_inner_product_desc_t descriptor;
        Dnnl.dnnl_inner_product_backward_weights_desc_init(&descriptor, &x, &dw, null, &dy).ThrowIfFailed();
        using DnnlAttributes attributes = PrimitiveFactory.CreateAttributes();
        return factory.TryCompile(&descriptor, attributes, forward);
    }
}
