using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// Makes a context current for the calling thread, and what was current before again at its end: a host that shares
/// its thread finds it as it was. Scopes nest, and only the outermost calls the driver.
/// </summary>
internal readonly ref struct ContextScope : IDisposable
{
    [ThreadStatic]
    private static nint _current;

    private readonly nint _outer;
    private readonly bool _isPushed;

    internal ContextScope(CUcontext context) : this(context, out CUresult status) =>
        status.ThrowIfFailed("cuCtxPushCurrent_v2");

    private ContextScope(CUcontext context, out CUresult status)
    {
        status = CUresult.CUDA_SUCCESS;
        _outer = _current;
        if (_outer == context.Value)
            return;
        status = CudaDriver.cuCtxPushCurrent_v2(context);
        if (status != CUresult.CUDA_SUCCESS)
            return;
        _current = context.Value;
        _isPushed = true;
    }

    /// <summary>For what releases: a context that cannot be entered any more is no reason to keep the rest.</summary>
    internal static ContextScope ForRelease(CUcontext context) => new(context, out _);

    public void Dispose()
    {
        if (!_isPushed)
            return;
        _current = _outer;
        // It pops in any case. What it may answer is a failure of earlier work, which the next call answers too; thrown
        // here, it would hide the exception that a scope may end by.
        _ = CudaDriver.cuCtxPopCurrent_v2(out _);
    }
}
