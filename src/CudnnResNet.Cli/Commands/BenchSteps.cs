using System.Diagnostics;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>What is measured: steps of training or batches that are served, of which some may be pending.</summary>
/// <param name="MostPending">As the session has it.</param>
/// <param name="Pending">How many are.</param>
/// <param name="Write">Gives the session a batch.</param>
/// <param name="Run">Begins to run it.</param>
/// <param name="Collect">Waits for the oldest.</param>
/// <param name="Time">By the device's clock.</param>
internal sealed record BenchSubject(int MostPending, Func<int> Pending, Action Write, Action Run, Action Collect, Func<DeviceTime?> Time)
{
    public static BenchSubject Of(TrainingSession session, Action write) =>
        new(session.MostPending, () => session.PendingSteps, write, session.Run, () => session.Collect(), () => session.DeviceTime);

    /// <param name="session">Serves.</param>
    /// <param name="write">Makes the next batch.</param>
    /// <param name="submit">Gives it to the session.</param>
    public static BenchSubject Of(InferenceSession session, Action write, Action submit)
    {
        float[] logits = new float[session.LogitElements];
        return new(session.MostPending, () => session.PendingBatches, write, submit, () => session.Collect(logits), () => session.DeviceTime);
    }
}

/// <summary>
/// Measures steps as a run makes them: the next is begun before the last is over, where the device works beside its
/// host. A step's time is that from the results before it to its own.
/// </summary>
/// <param name="subject">What is measured.</param>
/// <param name="trace">Counts measured steps.</param>
internal sealed class BenchSteps(BenchSubject subject, StepTrace? trace)
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
        Collect(Math.Max(0, subject.MostPending - 1));
        subject.Write();
        long written = Stopwatch.GetTimestamp();
        subject.Run();
        _runMs = Stopwatch.GetElapsedTime(written).TotalMilliseconds;
        Collect(subject.MostPending);
    }

    private void Collect(int mostPending)
    {
        while (subject.Pending() > mostPending)
        {
            subject.Collect();
            long now = Stopwatch.GetTimestamp();
            LatencyMs.Add(Stopwatch.GetElapsedTime(_last, now).TotalMilliseconds);
            _last = now;
            DeviceTime? time = subject.Time();
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
