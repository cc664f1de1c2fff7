namespace CudnnResNet.Training;

/// <summary>Sums over the steps of an epoch that is under way; part of the progress, so that a resumed epoch reports itself whole.</summary>
/// <param name="Count">Steps.</param>
/// <param name="LossSum">Of the batches' losses.</param>
/// <param name="AccuracySum">Of the batches' accuracies.</param>
/// <param name="Seconds">Time of the steps.</param>
public readonly record struct EpochMeans(long Count, double LossSum, double AccuracySum, double Seconds)
{
    public EpochMeans With(double loss, double accuracy, double seconds) =>
        new(Count + 1, LossSum + loss, AccuracySum + accuracy, Seconds + seconds);

    /// <summary>The mean loss; not a number before the first step.</summary>
    public double Loss() => LossSum / Count;

    /// <inheritdoc cref="Loss"/>
    public double Accuracy() => AccuracySum / Count;
}
