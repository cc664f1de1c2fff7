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
    private readonly RunQueue? _queue;
    private readonly Region _region;
    private readonly byte[] _staging;

    /// <summary>Copies at once, behind every run that was given to the device before.</summary>
    public HostAccess(ExecutionPlan plan, Value value) : this(plan, value, queue: null, plan.RegionOf(value.Id))
    {
    }

    /// <summary>Writes an input of the run that is open in a queue.</summary>
    internal HostAccess(ExecutionPlan plan, Value value, RunQueue? queue, Region region)
    {
        (_plan, _queue, _region) = (plan, queue, region);
        Value = value;
        _staging = new byte[Math.Min(value.Bytes, MostStagingBytes)];
    }

    public Value Value { get; }

    public void Write(ReadOnlySpan<float> source)
    {
        RequireLength(source.Length);
        if (Value.Type == DataType.Float32)
            Write(_region, MemoryMarshal.AsBytes(source));
        else
            WriteConverted(source);
    }

    public void Write(ReadOnlySpan<double> source)
    {
        RequireLength(source.Length);
        if (Value.Type == DataType.Float64)
            Write(_region, MemoryMarshal.AsBytes(source));
        else
            WriteConverted(source);
    }

    public void Write(ReadOnlySpan<int> source)
    {
        RequireLength(source.Length);
        Write(_region, MemoryMarshal.AsBytes(source));
    }

    /// <summary>Another way to write the value, which is images: as bytes. Null where the backend has none.</summary>
    public ByteInput? CreateByteInput(ReadOnlySpan<float> scale, ReadOnlySpan<float> shift) =>
        _plan.CreateByteInput(Value, _region, scale, shift, _queue);

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
            HostConversion.ToValue(part, Value.Type, _staging);
            Region region = RegionOf(done, part.Length);
            Write(region, _staging.AsSpan(0, (int)region.Bytes));
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
            HostConversion.ToHost(_staging, Value.Type, part);
        }
    }

    private void Write(Region region, ReadOnlySpan<byte> source)
    {
        if (_queue is null)
            _plan.Arena.Write(region, source);
        else
            _queue.Write(region, source);
    }

    private int StagedElements => _staging.Length / Value.Type.ByteSize();

    private Region RegionOf(int firstElement, int elements) =>
        new(_region.OffsetBytes + (long)firstElement * Value.Type.ByteSize(), (long)elements * Value.Type.ByteSize());

    private void RequireLength(int elements)
    {
        if (elements != Value.Shape.Elements)
            throw new ArgumentException($"'{Value.Name}' has {Value.Shape.Elements} elements, not {elements}.");
    }
}
