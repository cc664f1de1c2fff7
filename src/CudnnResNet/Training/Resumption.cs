using System.Collections.Immutable;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Training;

/// <summary>A run that continues an earlier one.</summary>
/// <param name="Checkpoint">Where it continues.</param>
/// <param name="Anyway">Continue also where the numbers will not be those of the unbroken run.</param>
public sealed record Resumption(Checkpoint Checkpoint, bool Anyway = false)
{
    /// <summary>The plans that the earlier run had.</summary>
    public ImmutableArray<PlanRecord> Plans => Checkpoint.Trajectory is { } trajectory
        ? [.. trajectory.Plans.Select(PlanRecord.Parse).OfType<PlanRecord>()]
        : [];

    /// <summary>What differs between the runs so that the numbers will; empty where the promise holds.</summary>
    /// <param name="now">The new run, as far as it is known.</param>
    public ImmutableArray<string> Differences(IEnumerable<TrajectoryFact> now) => Checkpoint.Trajectory is { } before
        ? [.. before.Differences(now)]
        : ["it does not say by which recipe, on which data and device it was trained"];

    /// <summary>As <see cref="Differences(IEnumerable{TrajectoryFact})"/>, of whole trajectories.</summary>
    public ImmutableArray<string> Differences(Trajectory now, LearningRateSchedule schedule)
    {
        ImmutableArray<string> differences = Differences(now.Facts);
        // The rates of a new length, over the old one's steps: a constant rate may go on for longer, a cosine may not.
        return differences.IsEmpty && Checkpoint.Trajectory is { } before
            && Trajectory.RatesOf(schedule, before.Steps) != before.Rates
            ? [$"the length, on which the learning rates depend, was {before.Steps} steps, is {now.Steps}"]
            : differences;
    }

    /// <exception cref="ResNetException">Something differs, and it is not to be continued anyway.</exception>
    public void Require(ImmutableArray<string> differences)
    {
        if (!Anyway && !differences.IsEmpty)
            throw new ResNetException($"{Checkpoint.Weights.Origin} cannot be continued bit for bit: "
                + $"{string.Join("; ", differences)}. Give the old values, or --resume-anyway to continue with the new ones.");
    }
}
