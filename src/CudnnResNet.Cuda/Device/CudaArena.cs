using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// One zero-filled block of device memory. Copies pass through pinned staging and are ordered with the kernels of the
/// device's stream.
/// </summary>
internal sealed class CudaArena : Arena
{
    private readonly CudaDevice _device;
    private readonly PinnedStaging _staging;
    private readonly List<(Region Region, CUdeviceptr Start)> _attached = [];
    private CUdeviceptr _start;

    /// <exception cref="ResNetException">The device has too little memory; the message says what was asked and what is free.</exception>
    internal CudaArena(long bytes, CudaDevice device, PinnedStaging staging) : base(bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        _device = device;
        _staging = staging;
        using ContextScope scope = device.Enter();
        nuint size = (nuint)Math.Max(bytes, 1);
        CUresult status = Allocate(size);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY)
        {
            device.TrimPool();
            status = Allocate(size);
        }
        if (status != CUresult.CUDA_SUCCESS)
            GC.SuppressFinalize(this);
        if (status == CUresult.CUDA_ERROR_OUT_OF_MEMORY)
        {
            (long free, long total) = device.Memory();
            throw new MemoryShortageException(bytes, free, $"The device cannot provide {bytes / 1e6:F0} MB of memory: {free / 1e6:F0} MB of "
                + $"{total / 1e6:F0} MB are free; use a smaller batch or image, or a memory limit.");
        }
        status.ThrowIfFailed(device.HasMemoryPools ? "cuMemAllocAsync" : "cuMemAlloc_v2");
        CUresult cleared = CudaDriver.cuMemsetD8Async(_start, 0, size, device.Stream);
        if (cleared != CUresult.CUDA_SUCCESS)
            Dispose();
        cleared.ThrowIfFailed("cuMemsetD8Async");
    }

    ~CudaArena() => Dispose(disposing: false);

    public override void Write(Region region, ReadOnlySpan<byte> source)
    {
        RequireLength(region, source.Length);
        using ContextScope scope = _device.Enter();
        _staging.Write(Address(region), source);
    }

    public override void Read(Region region, Span<byte> destination)
    {
        RequireLength(region, destination.Length);
        using ContextScope scope = _device.Enter();
        _staging.Read(Address(region), destination);
    }

    /// <summary>The first byte of a region; valid until the arena is disposed.</summary>
    internal CUdeviceptr Address(Region region)
    {
        ObjectDisposedException.ThrowIf(_start.Value == 0, this);
        foreach ((Region attached, CUdeviceptr start) in _attached)
            if (region.OffsetBytes >= attached.OffsetBytes
                && region.OffsetBytes - attached.OffsetBytes <= attached.Bytes - region.Bytes)
                return start + (region.OffsetBytes - attached.OffsetBytes);
        if (region.OffsetBytes < 0 || region.Bytes < 0 || region.OffsetBytes > Bytes - region.Bytes)
            throw new ArgumentOutOfRangeException(nameof(region), region, $"The arena has {Bytes} bytes.");
        return _start + region.OffsetBytes;
    }

    /// <summary>A region of this arena that stands for memory of somebody else, who keeps it.</summary>
    internal Region Attach(CUdeviceptr start, long bytes)
    {
        const long BetweenAttached = 1L << 48;
        Region region = new((_attached.Count + 1) * BetweenAttached, bytes);
        _attached.Add((region, start));
        return region;
    }

    protected override void Dispose(bool disposing)
    {
        if (_start.Value == 0)
            return;
        CUdeviceptr start = _start;
        _start = default;
        // A finalizer may come after the context; then the memory went with it.
        if (_device.HasEnded || CudaDriver.cuCtxPushCurrent_v2(_device.Context) != CUresult.CUDA_SUCCESS)
            return;
        // In a lost context both refuse; the memory ends with the context.
        _ = _device.HasMemoryPools
            ? CudaDriver.cuMemFreeAsync(start, _device.Stream)
            : CudaDriver.cuMemFree_v2(start);
        _ = CudaDriver.cuCtxPopCurrent_v2(out _);
    }

    private CUresult Allocate(nuint bytes) => _device.HasMemoryPools
        ? CudaDriver.cuMemAllocAsync(out _start, bytes, _device.Stream)
        : CudaDriver.cuMemAlloc_v2(out _start, bytes);

    private static void RequireLength(Region region, int length)
    {
        if (region.Bytes != length)
            throw new ArgumentException($"The region has {region.Bytes} bytes, the span {length}.");
    }
}
