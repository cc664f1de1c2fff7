using System.Numerics;
using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Execution;

/// <summary>
/// Reads and writes one value of a plan from host memory, converting between the caller's element type and the
/// value's (float32, float64, bf16 or fp16). Holds a little staging memory of its own: a copy allocates nothing.
/// </summary>
public sealed class HostAccess
{
    private const int MostStagingBytes = 256 << 10;

    private readonly ExecutionPlan _plan;
    private readonly Region _region;
    private readonly byte[] _staging;

    public HostAccess(ExecutionPlan plan, Value value)
    {
        _plan = plan;
        Value = value;
        _region = plan.RegionOf(value.Id);
        _staging = new byte[Math.Min(value.Bytes, MostStagingBytes)];
    }

    public Value Value { get; }

    public void Write(ReadOnlySpan<float> source)
    {
        RequireLength(source.Length);
        if (Value.Type == DataType.Float32)
            _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
        else
            WriteConverted(source);
    }

    public void Write(ReadOnlySpan<double> source)
    {
        RequireLength(source.Length);
        if (Value.Type == DataType.Float64)
            _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
        else
            WriteConverted(source);
    }

    public void Write(ReadOnlySpan<int> source)
    {
        RequireLength(source.Length);
        _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
    }

    /// <summary>Another way to write the value, which is images: as bytes. Null where the backend has none.</summary>
    public ByteInput? CreateByteInput(ReadOnlySpan<float> scale, ReadOnlySpan<float> shift) =>
        _plan.CreateByteInput(Value, scale, shift);

    public void Read(Span<float> destination)
    {
        RequireLength(destination.Length);
        if (Value.Type == DataType.Float32)
            _plan.Arena.Read(_region, MemoryMarshal.AsBytes(destination));
        else
            ReadConverted(destination);
    }

    public void Read(Span<double> destination)
    {
        RequireLength(destination.Length);
        if (Value.Type == DataType.Float64)
            _plan.Arena.Read(_region, MemoryMarshal.AsBytes(destination));
        else
            ReadConverted(destination);
    }

    private void WriteConverted<T>(ReadOnlySpan<T> source) where T : unmanaged, INumberBase<T>
    {
        int step = StagedElements;
        for (int done = 0; done < source.Length; done += step)
        {
            ReadOnlySpan<T> part = source.Slice(done, Math.Min(step, source.Length - done));
            switch (Value.Type)
            {
                case DataType.Float32:
                    Convert(part, MemoryMarshal.Cast<byte, float>(_staging.AsSpan()));
                    break;
                case DataType.Float64:
                    Convert(part, MemoryMarshal.Cast<byte, double>(_staging.AsSpan()));
                    break;
                default:
                    throw Unsupported();
            }
            Region region = RegionOf(done, part.Length);
            _plan.Arena.Write(region, _staging.AsSpan(0, (int)region.Bytes));
        }
    }

    private void ReadConverted<T>(Span<T> destination) where T : unmanaged, INumberBase<T>
    {
        int step = StagedElements;
        for (int done = 0; done < destination.Length; done += step)
        {
            Span<T> part = destination.Slice(done, Math.Min(step, destination.Length - done));
            Region region = RegionOf(done, part.Length);
            _plan.Arena.Read(region, _staging.AsSpan(0, (int)region.Bytes));
            for (int i = 0; i < part.Length; i++)
                part[i] = T.CreateTruncating(Staged(i));
        }
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> source, Span<TTo> destination)
        where TFrom : INumberBase<TFrom> where TTo : INumberBase<TTo>
    {
        for (int i = 0; i < source.Length; i++)
            destination[i] = TTo.CreateTruncating(source[i]);
    }

    private int StagedElements => _staging.Length / Value.Type.ByteSize();

    private Region RegionOf(int firstElement, int elements) =>
        new(_region.OffsetBytes + (long)firstElement * Value.Type.ByteSize(), (long)elements * Value.Type.ByteSize());

    private double Staged(int index) => Value.Type switch
    {
        DataType.Float64 => MemoryMarshal.Cast<byte, double>(_staging)[index],
        DataType.Float32 => MemoryMarshal.Cast<byte, float>(_staging)[index],
        DataType.BFloat16 => BitConverter.UInt32BitsToSingle(
            (uint)MemoryMarshal.Cast<byte, ushort>(_staging)[index] << 16),
        DataType.Float16 => (double)MemoryMarshal.Cast<byte, Half>(_staging)[index],
        _ => throw Unsupported(),
    };

    private void RequireLength(int elements)
    {
        if (elements != Value.Shape.Elements)
            throw new ArgumentException($"'{Value.Name}' has {Value.Shape.Elements} elements, not {elements}.");
    }

    private NotSupportedException Unsupported() => new($"'{Value.Name}' is {Value.Type}.");
}
