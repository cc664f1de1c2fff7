using System.Collections.Immutable;
using CudnnResNet.Data;

namespace CudnnResNet.Training;

public enum ScheduleKind
{
    Constant,

    /// <summary>Half a cosine from the base rate to zero over all steps (Loshchilov and Hutter, arXiv 1608.03983).</summary>
    Cosine,

    /// <summary>The base rate, multiplied by a factor at each of some epochs.</summary>
    Step,

    /// <summary>Straight lines between given points; the last rate stays.</summary>
    Linear,
}

/// <summary>A corner of a piecewise-linear schedule.</summary>
/// <param name="At">Epochs or steps since the start.</param>
/// <param name="Rate">The learning rate there.</param>
public readonly record struct RatePoint(double At, double Rate);

/// <summary>The learning rate as a function of the step alone, so that a resumed run continues it.</summary>
public sealed record LearningRateSchedule(ScheduleKind Kind, double BaseRate, long TotalSteps)
{
    /// <summary>Steps on the straight line from <see cref="WarmupFrom"/> to the base rate; a cosine begins behind them.</summary>
    public long WarmupSteps { get; init; }

    /// <summary>The rate of step 0 where there is a warm-up.</summary>
    public double WarmupFrom { get; init; }

    /// <summary>For <see cref="ScheduleKind.Step"/>: the steps from which on another <see cref="Gamma"/> counts.</summary>
    public ImmutableArray<long> Milestones { get; init; } = [];

    public double Gamma { get; init; } = 1;

    /// <summary>For <see cref="ScheduleKind.Linear"/>: corners over steps, in order; the base rate is not used.</summary>
    public ImmutableArray<RatePoint> Points { get; init; } = [];

    /// <summary>The schedule of a run, its epochs turned into steps.</summary>
    /// <param name="options">The recipe.</param>
    /// <param name="totalSteps">The run's length.</param>
    /// <param name="loader">How the data are cut into the batches of a step.</param>
    /// <param name="count">Images of an epoch.</param>
    /// <exception cref="ResNetException">The warm-up takes the whole run, or covers a milestone.</exception>
    public static LearningRateSchedule Of(TrainingOptions options, long totalSteps, LoaderOptions loader, int count)
    {
        double stepsPerEpoch = loader.StepsPerEpoch(count);
        long warmup = options.WarmupSteps ?? (long)Math.Round(options.WarmupEpochs * stepsPerEpoch);
        ImmutableArray<long> milestones = [.. options.StepEpochs.Select(epoch => loader.StepsThrough(epoch, count))];
        if (warmup > 0 && warmup >= totalSteps)
            throw new ResNetException($"A warm-up of {warmup} steps leaves nothing of a run of {totalSteps}; "
                + "give a shorter warm-up or a longer run.");
        if (milestones.Any(milestone => milestone < warmup))
            throw new ResNetException($"The learning rate cannot fall at epoch {options.StepEpochs[0]}, within the warm-up of "
                + $"{warmup} steps; give a shorter warm-up or later step epochs.");
        return new LearningRateSchedule(options.Schedule, options.LearningRate, totalSteps)
        {
            WarmupSteps = warmup,
            WarmupFrom = options.WarmupFrom ?? options.LearningRate * TrainingOptions.WarmupFromShare,
            Milestones = milestones,
            Gamma = options.StepGamma,
            Points = [.. options.RatePoints.Select(point => point with { At = point.At * stepsPerEpoch })],
        };
    }

    /// <param name="step">From 0.</param>
    public double At(long step) => step < WarmupSteps
        ? WarmupFrom + (BaseRate - WarmupFrom) * step / WarmupSteps
        : Kind switch
        {
            ScheduleKind.Constant => BaseRate,
            ScheduleKind.Cosine =>
                BaseRate / 2 * (1 + Math.Cos(Math.PI * (step - WarmupSteps) / (TotalSteps - WarmupSteps))),
            ScheduleKind.Step => BaseRate * Math.Pow(Gamma, MilestonesThrough(step)),
            ScheduleKind.Linear => OnLines(step),
            _ => throw new InvalidOperationException($"No rule for {Kind}."),
        };

    private int MilestonesThrough(long step)
    {
        int count = 0;
        while (count < Milestones.Length && Milestones[count] <= step)
            count++;
        return count;
    }

    private double OnLines(long step)
    {
        if (step <= Points[0].At)
            return Points[0].Rate;
        for (int i = 1; i < Points.Length; i++)
            if (step < Points[i].At)
            {
                (RatePoint a, RatePoint b) = (Points[i - 1], Points[i]);
                return a.Rate + (b.Rate - a.Rate) * ((step - a.At) / (b.At - a.At));
            }
        return Points[^1].Rate;
    }
}
