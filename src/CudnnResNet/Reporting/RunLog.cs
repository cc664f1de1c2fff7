namespace CudnnResNet.Reporting;

/// <summary>
/// One optimizer step. <paramref name="Step"/> counts from 1; <paramref name="Loss"/> is that of the step's batch before
/// the update and may be NaN or infinite; <paramref name="Accuracy"/> is a fraction of the batch, null when not measured.
/// </summary>
public readonly record struct StepRecord(
    long Step, int Epoch, double Loss, double LearningRate, double ImagesPerSecond, double? Accuracy = null);

/// <summary>
/// One epoch, closed by step <paramref name="Step"/>. Accuracies are fractions; null is a value that was not measured.
/// <paramref name="Seconds"/> is wall time of the epoch including its evaluation.
/// </summary>
public sealed record EpochRecord(
    int Epoch,
    long Step,
    double? TestLoss,
    double? TestAccuracy,
    double? TrainLoss,
    double? TrainAccuracy,
    double Seconds);

/// <summary>What a run was started with: enough to repeat it. A resumed run adds its own header.</summary>
public sealed record RunHeader(
    DateTimeOffset StartedAt, IReadOnlyList<NamedValue> Options, IReadOnlyList<NamedValue> Versions);

/// <summary>A name and its value as shown to people: an option, a version, a fact.</summary>
public sealed record NamedValue(string Name, string Value);

/// <summary>
/// A run log as read back, in order of steps. <paramref name="CutLine"/> is the beginning of a last line that was being
/// written when the run was killed, or null.
/// </summary>
public sealed record RunLog(
    IReadOnlyList<RunHeader> Headers,
    IReadOnlyList<StepRecord> Steps,
    IReadOnlyList<EpochRecord> Epochs,
    string? CutLine);
