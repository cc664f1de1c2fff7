using CudnnResNet.Tensors;

namespace CudnnResNet.Weights.PyTorch;

/// <summary>What a name means where a pickle calls it.</summary>
internal enum PickleCall
{
    None,
    OrderedDictionary,
    Tensor,
    TensorWithHooks,
    Parameter,
}

/// <summary>The only names that a pickle may mention. They are words here: nothing is looked up, loaded or run.</summary>
internal static class PickleNames
{
    private static readonly Dictionary<string, PickleName> Names = new PickleName[]
    {
        new("collections.OrderedDict", PickleCall.OrderedDictionary),
        new("torch._utils._rebuild_tensor", PickleCall.Tensor),
        new("torch._utils._rebuild_tensor_v2", PickleCall.TensorWithHooks),
        new("torch._utils._rebuild_parameter", PickleCall.Parameter),
        new("torch.DoubleStorage", PickleCall.None, new StorageType(8, DataType.Float64)),
        new("torch.FloatStorage", PickleCall.None, new StorageType(4, DataType.Float32)),
        new("torch.HalfStorage", PickleCall.None, new StorageType(2, DataType.Float16)),
        new("torch.BFloat16Storage", PickleCall.None, new StorageType(2, DataType.BFloat16)),
        new("torch.LongStorage", PickleCall.None, new StorageType(8, DataType.Int64)),
        new("torch.IntStorage", PickleCall.None, new StorageType(4, DataType.Int32)),
        new("torch.ShortStorage", PickleCall.None, new StorageType(2, null)),
        new("torch.CharStorage", PickleCall.None, new StorageType(1, null)),
        new("torch.ByteStorage", PickleCall.None, new StorageType(1, DataType.UInt8)),
        new("torch.BoolStorage", PickleCall.None, new StorageType(1, DataType.UInt8)),
    }.ToDictionary(name => name.Name, StringComparer.Ordinal);

    public static PickleName? Find(string module, string name) => Names.GetValueOrDefault($"{module}.{name}");
}
