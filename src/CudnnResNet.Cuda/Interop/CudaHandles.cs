using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>
/// One owner for each native object of the driver. Most objects are destroyed in the context that they belong to, and
/// a finalizer has none: the owner enters it first. Where the context is gone already, so is the object.
/// </summary>
internal abstract class CudaHandle() : SafeHandle(0, ownsHandle: true)
{
    /// <summary>The context that the object belongs to; set by whoever created it.</summary>
    internal CUcontext Context { get; set; }

    public override bool IsInvalid => handle == 0;

    protected sealed override bool ReleaseHandle()
    {
        if (CudaDriver.cuCtxPushCurrent_v2(Context) != CUresult.CUDA_SUCCESS)
            return true;
        CUresult status = Destroy(handle);
        CUresult popped = CudaDriver.cuCtxPopCurrent_v2(out _);
        return status == CUresult.CUDA_SUCCESS && popped == CUresult.CUDA_SUCCESS;
    }

    private protected abstract CUresult Destroy(nint value);
}

internal sealed class CudaStream : CudaHandle
{
    internal CUstream Borrow() => new(handle);

    private protected override CUresult Destroy(nint value) => CudaDriver.cuStreamDestroy_v2(value);
}

internal sealed class CudaEvent : CudaHandle
{
    private protected override CUresult Destroy(nint value) => CudaDriver.cuEventDestroy_v2(value);
}

internal sealed class CudaModule : CudaHandle
{
    private protected override CUresult Destroy(nint value) => CudaDriver.cuModuleUnload(value);
}

internal sealed class CudaGraph : CudaHandle
{
    private protected override CUresult Destroy(nint value) => CudaDriver.cuGraphDestroy(value);
}

internal sealed class CudaGraphExec : CudaHandle
{
    private protected override CUresult Destroy(nint value) => CudaDriver.cuGraphExecDestroy(value);
}

/// <summary>A reference to a device's primary context, which all of NVIDIA's libraries share.</summary>
internal sealed class CudaPrimaryContext : SafeHandle
{
    private readonly CUdevice _device;

    internal CudaPrimaryContext(CUdevice device) : base(0, ownsHandle: true)
    {
        _device = device;
        CudaDriver.cuDevicePrimaryCtxRetain(out CUcontext context, device).ThrowIfFailed();
        SetHandle(context.Value);
    }

    public override bool IsInvalid => handle == 0;

    internal CUcontext Borrow() => new(handle);

    protected override bool ReleaseHandle() => CudaDriver.cuDevicePrimaryCtxRelease_v2(_device) == CUresult.CUDA_SUCCESS;
}
