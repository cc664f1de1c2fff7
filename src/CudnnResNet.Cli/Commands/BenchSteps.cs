using System.Diagnostics;
using CudnnResNet.Execution;
using CudnnResNet.Kernels;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>
/// Measures training steps as a run makes them: the next is begun before the last is over, where the device works beside its
/// host. A step's time is that from the results before it to its own.
/// </summary>
/// <param name="session">In training.</param>
/// <param name="write">Gives the session a batch.</param>
/// <param name="trace">Counts measured steps.</param>
internal sealed class BenchSteps(TrainingSession session, Action write, StepTrace? trace)
{
    private const int FewestSteps = 3;

    private DeviceTime? _time;
    private double _busySeconds;
    private double _idleSeconds;
    private double _runMs;
    private long _last;

    public List<double> LatencyMs { get; } = [];

    /// <summary>By the device's clock; where it has none, of the call that runs a step.</summary>
    public List<double> ComputeMs { get; } = [];

    /// <summary>The share of the device's time in which it waited for input or for the host; null where it keeps no time.</summary>
    public double? IdleShare => _time is null ? null : _idleSeconds / (_idleSeconds + _busySeconds);

    public void WarmUp(double seconds)
    {
        long since = _last = Stopwatch.GetTimestamp();
        do
            Step();
        while (Stopwatch.GetElapsedTime(since).TotalSeconds < seconds);
        Collect(mostPending: 0);
        LatencyMs.Clear();
        ComputeMs.Clear();
    }

    public void Measure(double seconds)
    {
        long since = _last = Stopwatch.GetTimestamp();
        for (int begun = 0; begun < FewestSteps || Stopwatch.GetElapsedTime(since).TotalSeconds < seconds; begun++)
        {
            using StepTrace.StepScope step = StepTrace.Step(trace);
            Step();
        }
        Collect(mostPending: 0);
    }

    private void Step()
    {
        Collect(Math.Max(0, session.MostPending - 1));
        write();
        long written = Stopwatch.GetTimestamp();
        session.Run();
        _runMs = Stopwatch.GetElapsedTime(written).TotalMilliseconds;
        Collect(session.MostPending);
    }

    private void Collect(int mostPending)
    {
        while (session.PendingSteps > mostPending)
        {
            _ = session.Collect();
            long now = Stopwatch.GetTimestamp();
            LatencyMs.Add(Stopwatch.GetElapsedTime(_last, now).TotalMilliseconds);
            _last = now;
            DeviceTime? time = session.DeviceTime;
            DeviceTime? spent = time - _time;
            // The very first step has nothing to be compared with, and is warm-up.
            ComputeMs.Add(spent?.BusySeconds * 1e3 ?? _runMs);
            // Before the first step there was nothing to do.
            if (LatencyMs.Count == 1)
                (_busySeconds, _idleSeconds) = (0, 0);
            else if (spent is { } ofStep)
                (_busySeconds, _idleSeconds) = (_busySeconds + ofStep.BusySeconds, _idleSeconds + ofStep.IdleSeconds);
            _time = time;
        }
    }
}
