using CudnnResNet.Tensors;

namespace CudnnResNet.Weights.PyTorch;

/// <summary>Tensors as views of storages: checks, and the copy into C order.</summary>
internal static class TensorViews
{
    public static PickleTensor Create(PickleStorage storage, long offset, PickleTuple shape, PickleTuple strides, PickleInput input)
    {
        if (shape.Items.Length > ElementCount.MaxRank || shape.Items.Length != strides.Items.Length
            || shape.Items.Concat(strides.Items).Any(extent => extent is not long))
            throw input.Bad("has a tensor whose extents and strides do not belong together");
        long[] extents = [.. shape.Items.Cast<long>()];
        long[] steps = [.. strides.Items.Cast<long>()];
        if (!ElementCount.TryMultiply(extents, out long elements) || steps.Any(step => step < 0) || offset < 0)
            throw input.Bad($"has a tensor of shape [{string.Join(',', extents)}] and strides [{string.Join(',', steps)}] at {offset}");
        // As many elements as the storage at most: an expanded tensor (stride 0) could be of any size.
        if (elements > storage.Elements || (elements > 0 && !(LastOffset(offset, extents, steps) < storage.Elements)))
            throw input.Bad($"has a tensor of shape [{string.Join(',', extents)}] and strides [{string.Join(',', steps)}] at {offset} "
                + $"in a storage of {storage.Elements} elements");
        return new PickleTensor(storage, offset, extents, steps);
    }

    private static Int128 LastOffset(long offset, long[] shape, long[] strides)
    {
        Int128 last = offset;
        for (int axis = 0; axis < shape.Length; axis++)
            last += (Int128)(shape[axis] - 1) * strides[axis];
        return last;
    }

    /// <summary>Elements of the storage between the first and the last that the tensor holds, both included.</summary>
    public static long Span(PickleTensor tensor) =>
        tensor.Shape.Contains(0) ? 0 : (long)LastOffset(0, tensor.Shape, tensor.Strides) + 1;

    public static bool IsContiguous(PickleTensor tensor)
    {
        long expected = 1;
        for (int axis = tensor.Shape.Length - 1; axis >= 0; axis--)
        {
            if (tensor.Shape[axis] != 1 && tensor.Strides[axis] != expected)
                return false;
            expected *= tensor.Shape[axis];
        }
        return true;
    }

    /// <summary>The tensor in C order from the bytes of its <see cref="Span"/>.</summary>
    public static byte[] Gather(PickleTensor tensor, ReadOnlySpan<byte> bytes, int elementBytes)
    {
        long elements = 1;
        foreach (long extent in tensor.Shape)
            elements *= extent;
        byte[] ordered = new byte[elements * elementBytes];
        long[] index = new long[tensor.Shape.Length];
        long from = 0;
        for (int to = 0; to < ordered.Length; to += elementBytes)
        {
            bytes.Slice((int)(from * elementBytes), elementBytes).CopyTo(ordered.AsSpan(to));
            for (int axis = index.Length - 1; axis >= 0; axis--)
            {
                from += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis])
                    break;
                from -= tensor.Strides[axis] * tensor.Shape[axis];
                index[axis] = 0;
            }
        }
        return ordered;
    }
}
