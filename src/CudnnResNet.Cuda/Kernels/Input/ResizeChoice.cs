using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// Whether training's images are scaled by NPP or by the own kernel: which one measured faster on this device, once, and kept
/// beside the engines, because their pixels differ and a run that goes on must see the same. Without a place to keep it, and
/// for deterministic runs, the own kernel.
/// </summary>
internal static class ResizeChoice
{
    /// <summary>NPP must be faster by more than what one measurement differs from the next.</summary>
    private const double Advantage = 0.9;

    private const string Subject = "resize of training images";
    private const int Runs = 3;

    /// <summary>Null where it is to be measured.</summary>
    internal static bool? Known(CudaSession session) =>
        session.Options.ScalesByNpp is { } forced ? forced
        : session.Options.IsDeterministic || session.Options.EngineCacheFolder is null ? false
        : session.EngineFiles.Find(Subject, 0) is [var kept, ..] ? kept != 0
        : null;

    /// <summary>Measures, and keeps the answer.</summary>
    internal static bool Measure(CudaSession session, CUstream stream, Action runOwn, Action runNpp)
    {
        // A step under way would be measured as well.
        session.Device.Synchronize();
        using EventTimer timer = new(session.Device, stream);
        double own = Least(timer, session.Device, runOwn), npp = Least(timer, session.Device, runNpp);
        bool isNpp = npp < Advantage * own;
        session.EngineFiles.Keep(Subject, 0, [isNpp ? (byte)1 : (byte)0]);
        return isNpp;
    }

    private static double Least(EventTimer timer, CudaDevice device, Action run)
    {
        using Turn turn = new(device, run);
        double least = double.PositiveInfinity;
        for (int i = 0; i < Runs; i++)
            least = Math.Min(least, timer.Time(turn));
        return least;
    }

    private sealed class Turn(CudaDevice device, Action run) : DeviceKernel(device)
    {
        protected override void Enqueue() => run();
    }
}
