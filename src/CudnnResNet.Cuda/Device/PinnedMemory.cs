using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>Host memory that the device copies from and to by itself. Whoever owns it knows when no copy is pending.</summary>
internal sealed unsafe class PinnedMemory : IDisposable
{
    private readonly CudaDevice _device;
    private byte* _start;

    /// <exception cref="CudaLibraryException">There is not enough.</exception>
    internal PinnedMemory(CudaDevice device, long bytes)
    {
        _device = device;
        Bytes = bytes;
        using ContextScope scope = device.Enter();
        CudaDriver.cuMemHostAlloc(out void* memory, (nuint)Math.Max(bytes, 1), 0).ThrowIfFailed();
        _start = (byte*)memory;
    }

    internal long Bytes { get; }

    internal byte* At(long offset) => _start + offset;

    /// <summary>Throws nothing.</summary>
    public void Dispose()
    {
        if (_start == null)
            return;
        using ContextScope scope = _device.EnterForRelease();
        _ = CudaDriver.cuMemFreeHost(_start);
        _start = null;
    }
}
