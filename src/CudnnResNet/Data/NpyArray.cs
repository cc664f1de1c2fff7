using System.Runtime.InteropServices;

using CudnnResNet.Tensors;

namespace CudnnResNet.Data;

/// <summary>An array of a .npy file: C order, little endian.</summary>
public sealed class NpyArray
{
    private readonly string _name;

    internal NpyArray(string name, DataType type, long[] shape, byte[] data) =>
        (_name, Type, Shape, Data) = (name, type, shape, data);

    public DataType Type { get; }

    public long[] Shape { get; }

    /// <summary>Exactly the bytes of <see cref="Shape"/>.</summary>
    public byte[] Data { get; }

    public ReadOnlySpan<float> AsFloats() => As<float>(DataType.Float32);

    public ReadOnlySpan<long> AsInt64s() => As<long>(DataType.Int64);

    public ReadOnlySpan<byte> AsBytes() => As<byte>(DataType.UInt8);

    private ReadOnlySpan<T> As<T>(DataType type)
        where T : unmanaged => Type == type
        ? MemoryMarshal.Cast<byte, T>(Data)
        : throw new ResNetException($"{_name}: holds {Type.ShortName()}, but {type.ShortName()} is needed here; convert it with astype in NumPy");
}
