using System.Runtime.InteropServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Execution;

/// <summary>
/// Reads and writes one value of a plan from host memory, converting between the caller's element type and the
/// value's (float32, float64, bf16 or fp16). Holds its own staging memory: a copy allocates nothing.
/// </summary>
public sealed class HostAccess
{
    private readonly ExecutionPlan _plan;
    private readonly Region _region;
    private readonly byte[] _staging;

    public HostAccess(ExecutionPlan plan, Value value)
    {
        _plan = plan;
        Value = value;
        _region = plan.RegionOf(value.Id);
        _staging = new byte[value.Bytes];
    }

    public Value Value { get; }

    public void Write(ReadOnlySpan<float> source)
    {
        RequireLength(source.Length);
        switch (Value.Type)
        {
            case DataType.Float32:
                _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
                return;
            case DataType.Float64:
                Span<double> wide = MemoryMarshal.Cast<byte, double>(_staging.AsSpan());
                for (int i = 0; i < source.Length; i++)
                    wide[i] = source[i];
                break;
            default:
                throw Unsupported();
        }
        _plan.Arena.Write(_region, _staging);
    }

    public void Write(ReadOnlySpan<double> source)
    {
        RequireLength(source.Length);
        switch (Value.Type)
        {
            case DataType.Float64:
                _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
                return;
            case DataType.Float32:
                Span<float> narrow = MemoryMarshal.Cast<byte, float>(_staging.AsSpan());
                for (int i = 0; i < source.Length; i++)
                    narrow[i] = (float)source[i];
                break;
            default:
                throw Unsupported();
        }
        _plan.Arena.Write(_region, _staging);
    }

    public void Write(ReadOnlySpan<int> source)
    {
        RequireLength(source.Length);
        _plan.Arena.Write(_region, MemoryMarshal.AsBytes(source));
    }

    public void Read(Span<float> destination)
    {
        RequireLength(destination.Length);
        if (Value.Type == DataType.Float32)
        {
            _plan.Arena.Read(_region, MemoryMarshal.AsBytes(destination));
            return;
        }
        _plan.Arena.Read(_region, _staging);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (float)Staged(i);
    }

    public void Read(Span<double> destination)
    {
        RequireLength(destination.Length);
        _plan.Arena.Read(_region, _staging);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = Staged(i);
    }

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
