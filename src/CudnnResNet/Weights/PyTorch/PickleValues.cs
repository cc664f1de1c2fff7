using CudnnResNet.Tensors;

namespace CudnnResNet.Weights.PyTorch;

// What a pickle can hold here: null, bool, long, BigInteger, double, string, byte[], and the types below. Containers may
// contain themselves, so whoever walks them counts what it has seen.

internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>Pairs in their order; keys are not hashed, because they may be containers that hold themselves.</summary>
internal sealed class PickleDictionary(bool isOrdered)
{
    /// <summary>A collections.OrderedDict.</summary>
    public bool IsOrdered { get; } = isOrdered;

    public List<KeyValuePair<object?, object?>> Items { get; } = [];

    /// <summary>The last value of a key, as in Python.</summary>
    public object? Get(string key)
    {
        for (int i = Items.Count - 1; i >= 0; i--)
            if (Items[i].Key is string name && name == key)
                return Items[i].Value;
        return null;
    }
}

internal sealed record PickleTuple(object?[] Items);

/// <summary>One of the names that <see cref="PickleNames"/> knows.</summary>
internal sealed record PickleName(string Name, PickleCall Call, StorageType? Storage = null);

/// <summary>The elements of a storage.</summary>
/// <param name="ElementBytes">Of one element.</param>
/// <param name="Type">Null where tensors of it are not read here.</param>
internal sealed record StorageType(int ElementBytes, DataType? Type);

/// <summary>A block of elements that tensors are views of.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="First">The first element of the view, in the block.</param>
/// <param name="Elements">Of the view.</param>
internal sealed record PickleStorage(string Key, StorageType Type, long First, long Elements);

/// <summary>A view of a storage. Extents, strides and offset are in elements and lie within it.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Shape, long[] Strides);
