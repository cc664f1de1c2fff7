using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// A device, a context on it and the one stream that all work goes to: its own on the primary context, or those of a
/// host that shares them.
/// </summary>
internal sealed class CudaDevice : IDisposable
{
    private readonly CudaPrimaryContext? _primary;
    private readonly CudaStream? _ownStream;
    private readonly CUdevice _device;

    private CudaDevice(CUdevice device, CudaPrimaryContext? primary, CUcontext context, CUstream? stream)
    {
        _device = device;
        _primary = primary;
        Context = context;
        Architecture = DeviceProbe.ArchitectureOf(device);
        Multiprocessors = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        ThreadsPerMultiprocessor = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
        ThreadsPerBlock = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
        SharedBytesPerBlock = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
        CacheBytes = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
        HasMemoryPools = Attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0;
        using ContextScope scope = Enter();
        if (stream is { } borrowed)
            Stream = borrowed;
        else
        {
            // Last: a constructor that throws behind it would have to release it.
            CudaDriver.cuStreamCreate(out _ownStream, CUstream_flags.CU_STREAM_NON_BLOCKING).ThrowIfFailed();
            _ownStream.Context = context;
            Stream = _ownStream.Borrow();
        }
    }

    internal CUcontext Context { get; }

    internal CUstream Stream { get; }

    /// <summary>Compute capability without the dot: 90 for 9.0.</summary>
    internal int Architecture { get; }

    internal int Multiprocessors { get; }

    internal int ThreadsPerMultiprocessor { get; }

    internal int ThreadsPerBlock { get; }

    internal int SharedBytesPerBlock { get; }

    internal int Ordinal => _device.Ordinal;

    /// <summary>As cuStreamCreate has them.</summary>
    internal uint StreamFlags => (uint)(_ownStream is null ? CUstream_flags.CU_STREAM_DEFAULT : CUstream_flags.CU_STREAM_NON_BLOCKING);

    /// <summary>Bytes of the second-level cache.</summary>
    internal long CacheBytes { get; }

    /// <summary>Memory is allocated in stream order; false where the device cannot.</summary>
    internal bool HasMemoryPools { get; }

    /// <summary>The device's primary context, which all of NVIDIA's libraries share, and a stream of its own.</summary>
    internal static CudaDevice Open(int ordinal)
    {
        CudaDriver.cuDeviceGet(out CUdevice device, ordinal).ThrowIfFailed();
        CudaPrimaryContext primary = new(device);
        try
        {
            return new CudaDevice(device, primary, primary.Borrow(), stream: null);
        }
        catch
        {
            primary.Dispose();
            throw;
        }
    }

    /// <summary>The context and stream of a host, who outlives this object.</summary>
    internal static CudaDevice Share(CUcontext context, CUstream stream)
    {
        CUdevice device;
        using (ContextScope scope = new(context))
            CudaDriver.cuCtxGetDevice(out device).ThrowIfFailed();
        return new CudaDevice(device, primary: null, context, stream);
    }

    /// <summary>Every call of the driver that needs a context stands in such a scope.</summary>
    internal ContextScope Enter() => new(Context);

    /// <summary>Nothing may be enqueued any more: the own stream is gone, or the host may have ended the context.</summary>
    internal bool HasEnded { get; private set; }

    /// <summary>The same where something is released; throws nothing.</summary>
    internal ContextScope EnterForRelease() => ContextScope.ForRelease(Context);

    internal void Synchronize()
    {
        using ContextScope scope = Enter();
        CudaDriver.cuStreamSynchronize(Stream).ThrowIfFailed();
    }

    internal CudaEvent CreateEvent(CUevent_flags flags)
    {
        using ContextScope scope = Enter();
        CudaDriver.cuEventCreate(out CudaEvent created, flags).ThrowIfFailed();
        created.Context = Context;
        return created;
    }

    internal (long FreeBytes, long TotalBytes) Memory()
    {
        using ContextScope scope = Enter();
        CudaDriver.cuMemGetInfo_v2(out nuint free, out nuint total).ThrowIfFailed();
        return ((long)free, (long)total);
    }

    /// <summary>Gives what the stream-ordered pool keeps for reuse back to the device.</summary>
    internal void TrimPool()
    {
        if (!HasMemoryPools)
            return;
        using ContextScope scope = Enter();
        CudaDriver.cuStreamSynchronize(Stream).ThrowIfFailed();
        CudaDriver.cuDeviceGetDefaultMemPool(out CUmemoryPool pool, _device).ThrowIfFailed();
        CudaDriver.cuMemPoolTrimTo(pool, 0).ThrowIfFailed();
    }

    /// <summary>Nothing is in flight afterwards. A failure of what was has no reader left, and is no reason to keep the rest.</summary>
    internal void Drain()
    {
        using ContextScope scope = EnterForRelease();
        _ = CudaDriver.cuStreamSynchronize(Stream);
    }

    /// <summary>Throws nothing.</summary>
    public void Dispose()
    {
        if (_ownStream is not null)
        {
            // Nothing may be in flight when the memory that it uses goes.
            Drain();
            _ownStream.Dispose();
        }
        HasEnded = true;
        _primary?.Dispose();
    }

    private int Attribute(CUdevice_attribute attribute) => DeviceProbe.Attribute(_device, attribute);
}
