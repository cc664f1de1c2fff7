using System.Collections.Immutable;
using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>What is known of a tensor in a file before it is read.</summary>
/// <param name="Name">As the file has it.</param>
/// <param name="Type">Of its elements.</param>
/// <param name="Shape">In C order.</param>
public sealed record TensorInfo(string Name, DataType Type, ImmutableArray<long> Shape)
{
    /// <summary>Bytes of the tensor in C order; readers have checked that they fit a long.</summary>
    public long Bytes => ElementCount.TryBytes(Shape.AsSpan(), Type, out long bytes)
        ? bytes
        : throw new InvalidOperationException($"the size of tensor '{Name}' overflows");
}
