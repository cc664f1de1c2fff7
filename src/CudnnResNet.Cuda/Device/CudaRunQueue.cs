using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// Runs on the device's stream, with their inputs copied by a second stream beside the runs before. Each slot has pinned
/// memory of its own for what it is given and for what comes back: the host fills the next slot while copies from the
/// others are pending, and waits for nothing but the end of the run that had the slot before.
/// </summary>
internal sealed unsafe class CudaRunQueue : RunQueue
{
    /// <summary>The host writes one part while the device copies the part before.</summary>
    private const int PartBytes = 4 << 20;

    private readonly CudaDevice _device;
    private readonly CudaArena _arena;
    private readonly Ranges _ranges;
    private readonly long _inputBytes;
    private readonly long _resultBytes;
    private readonly long[] _runs;
    private readonly CudaEvent?[] _copied;
    private readonly CudaEvent?[] _begun;

    // One more than slots: the end of the run before is compared with a run's beginning when the run is awaited, and by then
    // the slot of the run before may have been given to the next.
    private readonly CudaEvent?[] _ended;
    private readonly PinnedMemory? _memory;
    private readonly CudaStream? _copies;
    private long _written;
    private bool _isStarted;
    private long _given;
    private long _awaited;
    private double _busyMilliseconds;
    private double _idleMilliseconds;

    /// <param name="device">Whose stream the runs are given to.</param>
    /// <param name="arena">Where inputs and results lie.</param>
    /// <param name="slots">Runs that may be under way.</param>
    /// <param name="inputs">As many and as long as those of a run.</param>
    /// <param name="results">The same for what comes back.</param>
    /// <param name="ranges">Names what the host does.</param>
    internal CudaRunQueue(CudaDevice device, CudaArena arena, int slots, ReadOnlySpan<Region> inputs, ReadOnlySpan<Region> results,
        Ranges ranges) : base(slots)
    {
        (_device, _arena, _ranges) = (device, arena, ranges);
        (_inputBytes, _resultBytes) = (Bytes(inputs), Bytes(results));
        _runs = new long[slots];
        (_copied, _begun, _ended) = (new CudaEvent?[slots], new CudaEvent?[slots], new CudaEvent?[slots + 1]);
        try
        {
            using ContextScope scope = device.Enter();
            _memory = new PinnedMemory(device, slots * (_inputBytes + _resultBytes));
            for (int i = 0; i < slots; i++)
            {
                _copied[i] = device.CreateEvent(CUevent_flags.CU_EVENT_DISABLE_TIMING);
                _begun[i] = device.CreateEvent(CUevent_flags.CU_EVENT_DEFAULT);
            }
            // The threads that make the next batches want the processor that spinning would take.
            for (int i = 0; i < _ended.Length; i++)
                _ended[i] = device.CreateEvent(CUevent_flags.CU_EVENT_BLOCKING_SYNC);
            CudaDriver.cuStreamCreate(out _copies, CUstream_flags.CU_STREAM_NON_BLOCKING).ThrowIfFailed();
            _copies.Context = device.Context;
            // The arena is allocated and cleared in the order of the device's stream.
            FollowDevice();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public override DeviceTime? DeviceTime => new(_awaited, _busyMilliseconds / 1e3, _idleMilliseconds / 1e3);

    public override void Write(Region region, ReadOnlySpan<byte> source)
    {
        if (region.Bytes != source.Length)
            throw new ArgumentException($"{source.Length} bytes for a region of {region.Bytes}.", nameof(source));
        Write(_arena.Address(region), source);
    }

    /// <summary>The stream that copies inputs: what else makes inputs of the open run on the device belongs here.</summary>
    internal CUstream Copies => _copies!.Borrow();

    /// <summary>The copies from here on come behind everything that the device's stream was given.</summary>
    internal void FollowDevice()
    {
        using ContextScope scope = _device.Enter();
        CudaDriver.cuEventRecord(_copied[0]!, _device.Stream).ThrowIfFailed();
        CudaDriver.cuStreamWaitEvent(Copies, _copied[0]!, 0).ThrowIfFailed();
    }

    /// <summary>Copies to where only the open run reads, or what makes its inputs.</summary>
    internal void Write(CUdeviceptr destination, ReadOnlySpan<byte> source)
    {
        if (OpenSlot < 0 || _written + source.Length > _inputBytes)
            throw new InvalidOperationException($"{source.Length} bytes more than {_written} of {_inputBytes} in slot {OpenSlot}.");
        using ContextScope scope = _device.Enter();
        byte* staged = _memory!.At(OpenSlot * _inputBytes + _written);
        for (int done = 0; done < source.Length; done += PartBytes)
        {
            ReadOnlySpan<byte> part = source.Slice(done, Math.Min(PartBytes, source.Length - done));
            part.CopyTo(new Span<byte>(staged + done, part.Length));
            CudaDriver.cuMemcpyHtoDAsync_v2(destination + done, staged + done, (nuint)part.Length, Copies).ThrowIfFailed();
        }
        _written += source.Length;
    }

    public override void Start()
    {
        using ContextScope scope = _device.Enter();
        _isStarted = true;
        _ranges.Pop();
        _ranges.Push(Ranges.Run);
        CudaDriver.cuEventRecord(_copied[OpenSlot]!, Copies).ThrowIfFailed();
        CudaDriver.cuStreamWaitEvent(_device.Stream, _copied[OpenSlot]!, 0).ThrowIfFailed();
        CudaDriver.cuEventRecord(_begun[OpenSlot]!, _device.Stream).ThrowIfFailed();
    }

    // The slot's last run was awaited: nothing reads its inputs any more, neither in pinned memory nor on the device.
    protected override void Begin(int slot)
    {
        _ranges.Push(Ranges.Input);
        (_written, _isStarted) = (0, false);
    }

    protected override void Withdraw()
    {
        using ContextScope scope = _device.EnterForRelease();
        // A failure of what was in flight meets the next call.
        _ = CudaDriver.cuStreamSynchronize(Copies);
        if (_isStarted)
            _device.Drain();
        _ranges.Pop();
    }

    protected override void End(ReadOnlySpan<Region> results)
    {
        using ContextScope scope = _device.Enter();
        long offset = Results(OpenSlot);
        foreach (Region region in results)
        {
            CudaDriver.cuMemcpyDtoHAsync_v2(_memory!.At(offset), _arena.Address(region), (nuint)region.Bytes, _device.Stream).ThrowIfFailed();
            offset += Region.Align(region.Bytes);
        }
        CudaDriver.cuEventRecord(Ended(_given), _device.Stream).ThrowIfFailed();
        _runs[OpenSlot] = _given++;
        _ranges.Pop();
    }

    protected override ReadOnlySpan<byte> Await(int slot)
    {
        long run = _runs[slot];
        using ContextScope scope = _device.Enter();
        _ranges.Push(Ranges.Wait);
        CudaDriver.cuEventSynchronize(Ended(run)).ThrowIfFailed();
        _ranges.Pop();
        CudaDriver.cuEventElapsedTime(out float busy, _begun[slot]!, Ended(run)).ThrowIfFailed();
        _busyMilliseconds += busy;
        if (run > 0)
        {
            CudaDriver.cuEventElapsedTime(out float idle, Ended(run - 1), _begun[slot]!).ThrowIfFailed();
            _idleMilliseconds += idle;
        }
        _awaited = run + 1;
        return new ReadOnlySpan<byte>(_memory!.At(Results(slot)), (int)_resultBytes);
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (!disposing)
            return;
        using ContextScope scope = _device.EnterForRelease();
        if (_copies is not null)
        {
            // Nothing may be in flight when the memory goes. A failure of what was has no reader left.
            _ = CudaDriver.cuStreamSynchronize(_copies.Borrow());
            _device.Drain();
            _copies.Dispose();
        }
        foreach (CudaEvent? created in (ReadOnlySpan<CudaEvent?>)[.. _copied, .. _begun, .. _ended])
            created?.Dispose();
        _memory?.Dispose();
    }

    private CudaEvent Ended(long run) => _ended[run % _ended.Length]!;

    private long Results(int slot) => Slots * _inputBytes + slot * _resultBytes;
}
