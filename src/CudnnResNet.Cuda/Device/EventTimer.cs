using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Device;

/// <summary>Times kernels by the device's clock: the host's share of a launch is not in it.</summary>
internal sealed class EventTimer : IDisposable
{
    private readonly CudaDevice _device;
    private readonly CudaEvent _begin;
    private readonly CudaEvent _end;

    internal EventTimer(CudaDevice device)
    {
        _device = device;
        _begin = device.CreateEvent(CUevent_flags.CU_EVENT_DEFAULT);
        try
        {
            _end = device.CreateEvent(CUevent_flags.CU_EVENT_DEFAULT);
        }
        catch
        {
            _begin.Dispose();
            throw;
        }
    }

    /// <summary>Microseconds of one run; returns when it is done.</summary>
    internal double Time(LoadedKernel kernel)
    {
        using ContextScope scope = _device.Enter();
        CudaDriver.cuEventRecord(_begin, _device.Stream).ThrowIfFailed();
        kernel.Run();
        CudaDriver.cuEventRecord(_end, _device.Stream).ThrowIfFailed();
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
