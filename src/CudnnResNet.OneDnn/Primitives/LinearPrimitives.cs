using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>Writes inner-product descriptors and compiles them: x[N,C], w[K,C], y[N,K], all row by row.</summary>
internal sealed class LinearPrimitives(PrimitiveFactory factory, int n, int c, int k)
{
    internal DnnlMemoryDescriptor KeptWeight { get; } = Formats.Matrix(k, c, DataType.Float32);

    internal DnnlMemoryDescriptor Bias { get; } = Formats.Vector(k, DataType.Float32);

    internal DnnlMemoryDescriptor Y { get; } = Formats.Matrix(n, k, DataType.Float32);

    internal DnnlMemoryDescriptor X(DataType type) => Formats.Matrix(n, c, type);

    /// <param name="type">That of x and of the weight as it is read.</param>
    /// <param name="weight">The weight's layout; any lets oneDNN choose.</param>
    internal CompiledPrimitive? Forward(DataType type, DnnlMemoryDescriptor weight)
    {
        using DnnlAttributes attributes = factory.CreateAttributes();
        return factory.Keep(OneDnnVersion.Loaded.LinearForward(out DnnlPrimitiveDescriptor created, factory.Engine,
            X(type), weight, Bias, Y, attributes), created);
    }

    /// <summary>In float32.</summary>
    internal CompiledPrimitive? BackwardData()
    {
        if (Forward(DataType.Float32, KeptWeight) is not { } forward)
            return null;
        using DnnlAttributes attributes = factory.CreateAttributes();
        return factory.Keep(OneDnnVersion.Loaded.LinearBackwardData(out DnnlPrimitiveDescriptor created, factory.Engine,
            X(DataType.Float32), KeptWeight, Y, forward.Descriptor, attributes), created);
    }

    /// <summary>In float32.</summary>
    internal CompiledPrimitive? BackwardWeight()
    {
        if (Forward(DataType.Float32, KeptWeight) is not { } forward)
            return null;
        using DnnlAttributes attributes = factory.CreateAttributes();
        return factory.Keep(OneDnnVersion.Loaded.LinearBackwardFilter(out DnnlPrimitiveDescriptor created, factory.Engine,
            X(DataType.Float32), KeptWeight, Y, forward.Descriptor, attributes), created);
    }
}
