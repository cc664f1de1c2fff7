namespace CudnnResNet.Tensors;

/// <summary>Sizes of shapes that come from files, where an extent may be anything.</summary>
internal static class ElementCount
{
    /// <summary>More axes than any array library writes; a longer shape is damage or malice.</summary>
    public const int MaxRank = 32;

    /// <summary>The product of the extents; false where one is negative or the product passes 2^63 - 1.</summary>
    public static bool TryMultiply(ReadOnlySpan<long> shape, out long elements)
    {
        elements = 1;
        foreach (long extent in shape)
        {
            if (extent < 0 || Math.BigMul(elements, extent, out long low) != 0 || low < 0)
                return false;
            elements = low;
        }
        return true;
    }

    /// <summary>As <see cref="TryMultiply"/>, in bytes of the given type.</summary>
    public static bool TryBytes(ReadOnlySpan<long> shape, DataType type, out long bytes)
    {
        bytes = 0;
        if (!TryMultiply(shape, out long elements) || elements > long.MaxValue / type.ByteSize())
            return false;
        bytes = elements * type.ByteSize();
        return true;
    }
}
