namespace CudnnResNet.Training;

public enum ScheduleKind
{
    Constant,

    /// <summary>Half a cosine from the base rate to zero over all steps (Loshchilov and Hutter, arXiv 1608.03983).</summary>
    Cosine,
}

/// <summary>The learning rate as a function of the step alone, so that a resumed run continues it.</summary>
public sealed record LearningRateSchedule(ScheduleKind Kind, double BaseRate, long TotalSteps)
{
    /// <param name="step">From 0.</param>
    public double At(long step) => Kind switch
    {
        ScheduleKind.Constant => BaseRate,
        ScheduleKind.Cosine => BaseRate / 2 * (1 + Math.Cos(Math.PI * step / TotalSteps)),
        _ => throw new InvalidOperationException($"No rule for {Kind}."),
    };
}
