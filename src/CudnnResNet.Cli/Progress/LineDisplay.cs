using CudnnResNet.Training;

namespace CudnnResNet.Cli.Progress;

/// <summary>A line every few seconds, for logs and pipes.</summary>
internal sealed class LineDisplay(Terminal terminal, Func<long> totalSteps) : TrainingDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private TimeSpan _next;

    public override TrainingResult Show(Func<TrainingResult> run) => run();

    protected override void AfterStep()
    {
        long total = totalSteps();
        StepRecord last = Progress.Last;
        if (Progress.Elapsed < _next && last.Step != total)
            return;
        _next = Progress.Elapsed + Interval;
        terminal.Output.WriteLine(
            $"step {last.Step}/{total}  epoch {last.Epoch}  loss {last.Loss:F4}  accuracy {100 * Progress.Accuracy:F1} %  "
            + $"{Progress.ImagesPerSecond:F0} img/s  {Durations.Format(Progress.TimeLeft(total))} left");
        terminal.Output.Flush();
    }

    protected override void AfterEpoch(EpochRecord epoch)
    {
        string test = epoch.TestAccuracy is { } accuracy
            ? $"test accuracy {100 * accuracy:F2} %{OfAverage(epoch)}, test loss {epoch.TestLoss:F4}, "
            : "";
        terminal.Output.WriteLine($"epoch {epoch.Epoch}: {test}training loss {epoch.TrainLoss:F4}, {epoch.Seconds:F1} s");
        terminal.Output.Flush();
    }
}
