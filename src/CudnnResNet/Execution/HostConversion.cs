using System.Numerics;
using System.Runtime.InteropServices;
using CudnnResNet.Tensors;

namespace CudnnResNet.Execution;

/// <summary>Between the element types of hosts (float32, float64) and those of values; allocates nothing.</summary>
internal static class HostConversion
{
    /// <exception cref="NotSupportedException">The value is neither float32 nor float64.</exception>
    public static void ToValue<T>(ReadOnlySpan<T> source, DataType type, Span<byte> destination) where T : unmanaged, INumberBase<T>
    {
        switch (type)
        {
            case DataType.Float32:
                Convert(source, MemoryMarshal.Cast<byte, float>(destination));
                break;
            case DataType.Float64:
                Convert(source, MemoryMarshal.Cast<byte, double>(destination));
                break;
            default:
                throw Unsupported(type);
        }
    }

    /// <exception cref="NotSupportedException">The value is of integers.</exception>
    public static void ToHost<T>(ReadOnlySpan<byte> source, DataType type, Span<T> destination) where T : unmanaged, INumberBase<T>
    {
        switch (type)
        {
            case DataType.Float64:
                Convert(MemoryMarshal.Cast<byte, double>(source)[..destination.Length], destination);
                break;
            case DataType.Float32:
                Convert(MemoryMarshal.Cast<byte, float>(source)[..destination.Length], destination);
                break;
            case DataType.Float16:
                Convert(MemoryMarshal.Cast<byte, Half>(source)[..destination.Length], destination);
                break;
            case DataType.BFloat16:
                ReadOnlySpan<ushort> bits = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < destination.Length; i++)
                    destination[i] = T.CreateTruncating(BitConverter.UInt32BitsToSingle((uint)bits[i] << 16));
                break;
            default:
                throw Unsupported(type);
        }
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> source, Span<TTo> destination)
        where TFrom : INumberBase<TFrom> where TTo : INumberBase<TTo>
    {
        for (int i = 0; i < source.Length; i++)
            destination[i] = TTo.CreateTruncating(source[i]);
    }

    private static NotSupportedException Unsupported(DataType type) => new($"A host does not read or write {type}.");
}
