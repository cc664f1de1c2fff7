using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// Pinned host memory between pageable memory and the device, in slots that take turns: a host that runs ahead waits
/// for the copy that still reads a slot, and so never overwrites one that is pending.
/// </summary>
internal sealed unsafe class PinnedStaging : IDisposable
{
    private const int Slots = 4;
    private const int SlotBytes = 4 << 20;

    private readonly CudaDevice _device;
    private readonly CudaEvent?[] _copied = new CudaEvent?[Slots];
    private byte* _memory;
    private int _next;

    internal PinnedStaging(CudaDevice device)
    {
        _device = device;
        using ContextScope scope = device.Enter();
        CudaDriver.cuMemHostAlloc(out void* memory, Slots * SlotBytes, 0).ThrowIfFailed();
        _memory = (byte*)memory;
        try
        {
            for (int i = 0; i < Slots; i++)
                _copied[i] = device.CreateEvent(CUevent_flags.CU_EVENT_DISABLE_TIMING);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Returns as soon as <paramref name="source"/> may change; the copy takes its place in the stream.</summary>
    internal void Write(CUdeviceptr destination, ReadOnlySpan<byte> source)
    {
        for (int done = 0; done < source.Length; done += SlotBytes)
        {
            ReadOnlySpan<byte> part = source.Slice(done, Math.Min(SlotBytes, source.Length - done));
            byte* slot = Take(out CudaEvent copied);
            part.CopyTo(new Span<byte>(slot, part.Length));
            CudaDriver.cuMemcpyHtoDAsync_v2(destination + done, slot, (nuint)part.Length, _device.Stream).ThrowIfFailed();
            CudaDriver.cuEventRecord(copied, _device.Stream).ThrowIfFailed();
        }
    }

    /// <summary>Returns when everything before it in the stream has run and the bytes are in <paramref name="destination"/>.</summary>
    internal void Read(CUdeviceptr source, Span<byte> destination)
    {
        for (int done = 0; done < destination.Length; done += SlotBytes)
        {
            Span<byte> part = destination.Slice(done, Math.Min(SlotBytes, destination.Length - done));
            byte* slot = Take(out CudaEvent copied);
            CudaDriver.cuMemcpyDtoHAsync_v2(slot, source + done, (nuint)part.Length, _device.Stream).ThrowIfFailed();
            CudaDriver.cuEventRecord(copied, _device.Stream).ThrowIfFailed();
            CudaDriver.cuEventSynchronize(copied).ThrowIfFailed();
            new ReadOnlySpan<byte>(slot, part.Length).CopyTo(part);
        }
    }

    /// <summary>Waits for the copies and releases everything; throws nothing.</summary>
    public void Dispose()
    {
        if (_memory == null)
            return;
        using ContextScope scope = _device.EnterForRelease();
        foreach (CudaEvent? copied in _copied)
            if (copied is not null)
            {
                _ = CudaDriver.cuEventSynchronize(copied);
                copied.Dispose();
            }
        _ = CudaDriver.cuMemFreeHost(_memory);
        _memory = null;
    }

    private byte* Take(out CudaEvent copied)
    {
        int slot = _next;
        _next = (_next + 1) % Slots;
        copied = _copied[slot]!;
        CudaDriver.cuEventSynchronize(copied).ThrowIfFailed();
        return _memory + (long)slot * SlotBytes;
    }
}
