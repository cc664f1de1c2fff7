using CudnnResNet.Kernels;

namespace CudnnResNet.Training;

/// <summary>Everything that has scaled a run's training images, in order: a fact of its trajectory.</summary>
/// <param name="scaler">Decodes and scales them; null where the host does.</param>
internal sealed class ScalingHistory(IBackend? scaler)
{
    private const string Fact = "scaling of training images";

    /// <summary>Of a run that continues one in which the device did it.</summary>
    private const string Host = "host";

    private string? _all;
    private string? _now;

    /// <summary>To be asked before the first step, which would have to measure. Null where the host always has.</summary>
    /// <param name="earlier">What the run that is continued says.</param>
    public string? Ask(string? earlier = null)
    {
        string? now = scaler?.ImageScaling(earlier);
        if (now != _now)
            (_all, _now) = (_all is null ? now : $"{_all}, then {now}", now);
        return _all;
    }

    /// <summary>Goes on from a run that ended as <paramref name="earlier"/> says.</summary>
    /// <returns><paramref name="trajectory"/> with what scales now, to be compared with the earlier one.</returns>
    public Trajectory Continue(Trajectory? earlier, Trajectory trajectory)
    {
        string? before = earlier?.Facts.FirstOrDefault(fact => fact.Name == Fact)?.Value;
        return With(trajectory, Ask(before) ?? (before is null ? null : Host));
    }

    /// <summary>Asked when it is saved: what scales may fail on the way, and then the run is one that had both.</summary>
    public Trajectory AddTo(Trajectory trajectory) => With(trajectory, Ask());

    private static Trajectory With(Trajectory trajectory, string? scaling) => scaling is null
        ? trajectory
        : trajectory with { Facts = trajectory.Facts.Add(new TrajectoryFact(Fact, scaling)) };
}
