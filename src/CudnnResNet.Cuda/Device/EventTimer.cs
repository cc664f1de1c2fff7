using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Device;

/// <summary>Times kernels by the device's clock: the host's share of a launch is not in it.</summary>
internal sealed class EventTimer(CudaDevice device) : IDisposable
{
    private readonly CudaEvent _begin = device.CreateEvent(CUevent_flags.CU_EVENT_DEFAULT);
    private readonly CudaEvent _end = device.CreateEvent(CUevent_flags.CU_EVENT_DEFAULT);

    /// <summary>Microseconds of one run; returns when it is done.</summary>
    internal double Time(LoadedKernel kernel)
    {
        using ContextScope scope = device.Enter();
        CudaDriver.cuEventRecord(_begin, device.Stream).ThrowIfFailed();
        kernel.Run();
        CudaDriver.cuEventRecord(_end, device.Stream).ThrowIfFailed();
        CudaDriver.cuEventSynchronize(_end).ThrowIfFailed();
        CudaDriver.cuEventElapsedTime(out float milliseconds, _begin, _end).ThrowIfFailed();
        return milliseconds * 1e3;
    }

    public void Dispose()
    {
        _begin.Dispose();
        _end.Dispose();
    }
}
