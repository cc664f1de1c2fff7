namespace CudnnResNet.Training;

/// <summary>One training step.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Epoch">From 1.</param>
/// <param name="Loss">The batch's loss before the update; may be NaN or infinite.</param>
/// <param name="LearningRate">The rate of this step's update.</param>
/// <param name="ImagesPerSecond">Since the step before.</param>
/// <param name="Accuracy">The share of the batch that was classified rightly before the update; null when not measured.</param>
public readonly record struct StepRecord(
    long Step, int Epoch, double Loss, double LearningRate, double ImagesPerSecond, double? Accuracy = null);

/// <summary>One epoch, closed by step <paramref name="Step"/>. Accuracies are fractions; null is a value that was not measured.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="Step">The last step of the epoch, from 1.</param>
/// <param name="TestLoss">Mean cross-entropy without smoothing.</param>
/// <param name="TestAccuracy">Of the evaluation at the epoch's end.</param>
/// <param name="TrainLoss">The mean over the epoch's batches.</param>
/// <param name="TrainAccuracy">The mean over the epoch's batches, augmented and before each update.</param>
/// <param name="Seconds">Time of the training steps, evaluation excluded.</param>
public sealed record EpochRecord(
    int Epoch,
    long Step,
    double? TestLoss,
    double? TestAccuracy,
    double? TrainLoss,
    double? TrainAccuracy,
    double Seconds)
{
    /// <summary>Mean cross-entropy of the moving average of the weights; null where none is kept.</summary>
    public double? EmaTestLoss { get; init; }

    public double? EmaTestAccuracy { get; init; }
}
