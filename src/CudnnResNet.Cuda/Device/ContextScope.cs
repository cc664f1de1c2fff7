using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// Makes a context current for the calling thread, and what was current before again at its end: a host that shares
/// its thread finds it as it was. Scopes nest, and only the outermost calls the driver.
/// </summary>
internal readonly ref struct ContextScope : IDisposable
{
    [ThreadStatic]
    private static nint t_current;

    private readonly nint _outer;
    private readonly bool _isPushed;

    internal ContextScope(CUcontext context)
    {
        _outer = t_current;
        if (_outer == context.Value)
            return;
        CudaDriver.cuCtxPushCurrent_v2(context).ThrowIfFailed();
        t_current = context.Value;
        _isPushed = true;
    }

    public void Dispose()
    {
        if (!_isPushed)
            return;
        t_current = _outer;
        CudaDriver.cuCtxPopCurrent_v2(out _).ThrowIfFailed();
    }
}
