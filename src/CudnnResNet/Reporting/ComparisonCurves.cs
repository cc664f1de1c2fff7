using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>The curves of several runs over each other, a colour each; the legend stands above them all.</summary>
internal static class ComparisonCurves
{
    // The mean covers a fiftieth of the run, as in the report of one run.
    private const int MeansPerRun = 50;

    /// <summary>Colours repeat after eight runs: those are dashed.</summary>
    internal static bool IsDashed(int run) => run / ChartStyle.Colours % 2 == 1;

    internal static void AppendTo(Markup html, IReadOnlyList<RunRecord> runs)
    {
        html.Add($"<section class=\"curves\">\n");
        Append(html, Accuracy(runs, "test accuracy", "epoch", epoch => epoch.TestAccuracy) with { XIsWhole = true });
        Append(html, Accuracy(runs, "test accuracy of the moving average", "epoch", epoch => epoch.EmaTestAccuracy) with { XIsWhole = true });
        Append(html, OverTime(runs));
        Append(html, OverSteps(runs, "training loss, smoothed", step => step.Loss));
        Append(html, Epochs(runs, "test loss", "epoch", epoch => epoch.TestLoss) with { XIsWhole = true });
        Append(html, OverSteps(runs, "learning rate", step => step.LearningRate, isSmooth: false) with { YFromZero = true, Height = 180 });
        Append(html, OverSteps(runs, "images per second, smoothed", step => step.ImagesPerSecond) with { YFromZero = true, Height = 180 });
        html.Add($"</section>\n");
    }

    private static void Append(Markup html, LineChart chart)
    {
        if (chart.Series.Count == 0)
            return;
        html.Add($"<figure class=\"card\">\n");
        chart.AppendTo(html);
        html.Add($"</figure>\n");
    }

    private static LineChart Accuracy(
        IReadOnlyList<RunRecord> runs, string title, string xLabel, Func<EpochRecord, double?> fraction) =>
        Epochs(runs, title, xLabel, epoch => 100 * fraction(epoch)) with { YUnit = " %", YAtMost = 100 };

    private static LineChart Epochs(
        IReadOnlyList<RunRecord> runs, string title, string xLabel, Func<EpochRecord, double?> value)
    {
        List<LineSeries> series = [];
        for (int i = 0; i < runs.Count; i++)
        {
            EpochRecord[] measured = [.. runs[i].Log.Epochs.Where(epoch => value(epoch) is not null)];
            if (measured.Length > 0)
                series.Add(Series(runs, i, [.. measured.Select(epoch => (double)epoch.Epoch)], [.. measured.Select(epoch => value(epoch)!.Value)],
                    isMarked: true));
        }

        return Chart(title, series, xLabel);
    }

    private static LineChart OverTime(IReadOnlyList<RunRecord> runs)
    {
        (double unit, string name) = runs.Max(run => run.TrainingSeconds) switch
        {
            > 7200 => (3600.0, "hours"),
            > 300 => (60.0, "minutes"),
            _ => (1.0, "seconds"),
        };
        List<LineSeries> series = [];
        for (int i = 0; i < runs.Count; i++)
        {
            List<double> times = [];
            List<double> percents = [];
            double seconds = 0;
            foreach (EpochRecord epoch in runs[i].Log.Epochs)
            {
                seconds += epoch.Seconds;
                if (epoch.TestAccuracy is not { } accuracy)
                    continue;
                times.Add(seconds / unit);
                percents.Add(100 * accuracy);
            }

            if (times.Count > 0)
                series.Add(Series(runs, i, [.. times], [.. percents], isMarked: true));
        }

        return Chart("test accuracy over training time", series, name) with { YUnit = " %", YAtMost = 100 };
    }

    private static LineChart OverSteps(
        IReadOnlyList<RunRecord> runs, string title, Func<StepRecord, double> value, bool isSmooth = true)
    {
        List<LineSeries> series = [];
        for (int i = 0; i < runs.Count; i++)
        {
            IReadOnlyList<StepRecord> steps = runs[i].Log.Steps;
            if (steps.Count == 0)
                continue;
            double[] values = [.. steps.Select(value)];
            if (isSmooth)
                values = CurveReduction.CentredMean(values, Math.Max(1, values.Length / MeansPerRun) | 1);
            series.Add(Series(runs, i, [.. steps.Select(step => (double)step.Step)], values, isMarked: false));
        }

        return Chart(title, series, "step");
    }

    private static LineSeries Series(IReadOnlyList<RunRecord> runs, int run, double[] x, double[] y, bool isMarked) =>
        new(runs[run].Name, x, y, run, IsDashed(run) ? LineStyle.Dashed : isMarked ? LineStyle.Marked : LineStyle.Line);

    private static LineChart Chart(string title, List<LineSeries> series, string xLabel) =>
        new(title, series) { XLabel = xLabel, HasLegend = false };
}
