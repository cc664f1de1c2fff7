using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>A loaded kernel that enqueues on the device's stream, in its context.</summary>
internal abstract class DeviceKernel(CudaDevice device) : LoadedKernel
{
    protected CudaDevice Device => device;

    public sealed override void Prepare()
    {
        using ContextScope scope = device.Enter();
        Pack();
    }

    public sealed override void Run()
    {
        using ContextScope scope = device.Enter();
        Enqueue();
    }

    /// <summary>Repacks constant weights.</summary>
    protected virtual void Pack() { }

    protected abstract void Enqueue();

    /// <summary>Disposes what the kernel owns.</summary>
    protected virtual void Release() { }

    protected sealed override void Dispose(bool disposing)
    {
        if (disposing)
            Release();
        base.Dispose(disposing);
    }
}

/// <summary>Consecutive parts of a workspace.</summary>
internal ref struct WorkspaceParts(CUdeviceptr start)
{
    /// <summary>What the libraries' fastest kernels ask of a workspace; regions begin at multiples of less.</summary>
    private const long AlignmentBytes = 256;

    private CUdeviceptr _next = new((start.Value + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes);

    /// <summary>The region that parts of these sizes need, wherever it begins.</summary>
    internal static long Bytes(params ReadOnlySpan<long> parts)
    {
        long sum = 0;
        foreach (long part in parts)
            sum += Align(part);
        return sum == 0 ? 0 : sum + AlignmentBytes;
    }

    /// <summary>The next part; any address where it is empty.</summary>
    internal CUdeviceptr Take(long bytes)
    {
        CUdeviceptr part = _next;
        _next += Align(bytes);
        return part;
    }

    private static long Align(long bytes) => (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}

internal static class KernelAddresses
{
    extension(KernelArguments arguments)
    {
        /// <summary>Where a region of the arguments' arena lies on the device.</summary>
        internal CUdeviceptr AddressOf(Region region) => ((CudaArena)arguments.Arena).Address(region);
    }
}
