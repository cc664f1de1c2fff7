using System.Collections.Immutable;
using System.Runtime.InteropServices;

using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>One tensor of a file: C order, little endian, <see cref="Data"/> holds exactly the bytes of <see cref="Shape"/>.</summary>
/// <exception cref="ArgumentException">Shape and data disagree.</exception>
public sealed record NamedTensor(string Name, DataType Type, ImmutableArray<long> Shape, ReadOnlyMemory<byte> Data)
{
    public ReadOnlyMemory<byte> Data { get; } = Agreed(Name, Type, Shape, Data);

    public long Elements => Data.Length / Type.ByteSize();

    /// <summary>The data in place, where the type is float32.</summary>
    /// <exception cref="ResNetException">Another type.</exception>
    public ReadOnlySpan<float> AsFloats() => Type == DataType.Float32
        ? MemoryMarshal.Cast<byte, float>(Data.Span)
        : throw new ResNetException($"tensor '{Name}' is {Type.ShortName()}; f32 is needed here, so convert the file");

    /// <summary>A copy as float32: float64 is rounded, bfloat16 and float16 are exact.</summary>
    /// <exception cref="ResNetException">The type is an integer.</exception>
    public float[] ToFloats()
    {
        ReadOnlySpan<byte> bytes = Data.Span;
        if (Type == DataType.Float32)
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        var floats = new float[Elements];
        switch (Type)
        {
            case DataType.Float64:
                ReadOnlySpan<double> doubles = MemoryMarshal.Cast<byte, double>(bytes);
                for (int i = 0; i < floats.Length; i++)
                    floats[i] = (float)doubles[i];
                break;
            case DataType.BFloat16:
                ReadOnlySpan<ushort> highHalves = MemoryMarshal.Cast<byte, ushort>(bytes);
                for (int i = 0; i < floats.Length; i++)
                    floats[i] = BitConverter.UInt32BitsToSingle((uint)highHalves[i] << 16);
                break;
            case DataType.Float16:
                ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(bytes);
                for (int i = 0; i < floats.Length; i++)
                    floats[i] = (float)halves[i];
                break;
            default:
                throw NotFloatingPoint();
        }
        return floats;
    }

    /// <summary>A copy as float64; exact for every float type.</summary>
    /// <exception cref="ResNetException">The type is an integer.</exception>
    public double[] ToDoubles() => Type switch
    {
        DataType.Float64 => MemoryMarshal.Cast<byte, double>(Data.Span).ToArray(),
        DataType.Float32 => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(Data.Span).ToArray(), x => (double)x),
        DataType.BFloat16 or DataType.Float16 => Array.ConvertAll(ToFloats(), x => (double)x),
        _ => throw NotFloatingPoint(),
    };

    public static NamedTensor FromFloats(string name, ReadOnlySpan<long> shape, ReadOnlySpan<float> values) =>
        new(name, DataType.Float32, [.. shape], MemoryMarshal.AsBytes(values).ToArray());

    public static NamedTensor FromDoubles(string name, ReadOnlySpan<long> shape, ReadOnlySpan<double> values) =>
        new(name, DataType.Float64, [.. shape], MemoryMarshal.AsBytes(values).ToArray());

    private ResNetException NotFloatingPoint() =>
        new($"tensor '{Name}' is {Type.ShortName()}; a floating-point type is needed here");

    private static ReadOnlyMemory<byte> Agreed(string name, DataType type, ImmutableArray<long> shape, ReadOnlyMemory<byte> data) =>
        ElementCount.TryBytes(shape.AsSpan(), type, out long bytes) && bytes == data.Length
            ? data
            : throw new ArgumentException($"tensor '{name}': {type.ShortName()} [{string.Join(',', shape)}] does not take {data.Length} bytes");
}
