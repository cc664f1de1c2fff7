using CudnnResNet.Training;

namespace CudnnResNet.Cli.Progress;

/// <summary>Shows a run while it runs.</summary>
internal abstract class TrainingDisplay
{
    protected RunProgress Progress { get; } = new();

    public static TrainingDisplay For(Terminal terminal, Func<long> totalSteps) => terminal.IsInteractive
        ? new LiveDisplay(terminal, totalSteps)
        : new LineDisplay(terminal, totalSteps);

    /// <summary>Runs <paramref name="run"/>, which reports to <see cref="OnStep"/> and <see cref="OnEpoch"/>.</summary>
    public abstract TrainingResult Show(Func<TrainingResult> run);

    public void OnStep(StepRecord step)
    {
        Progress.Add(step);
        AfterStep();
    }

    public void OnEpoch(EpochRecord epoch) => AfterEpoch(epoch);

    /// <summary>The accuracy of the moving average, where one is kept.</summary>
    protected static string OfAverage(EpochRecord epoch) =>
        epoch.EmaTestAccuracy is { } accuracy ? $" (moving average {100 * accuracy:F2} %)" : "";

    protected abstract void AfterStep();

    protected abstract void AfterEpoch(EpochRecord epoch);
}
