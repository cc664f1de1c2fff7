using System.Globalization;
using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>The report's curves: loss, accuracy, learning rate and throughput.</summary>
internal static class CurveSection
{
    private const int TestColour = 1;
    private const int AverageColour = 2;

    // The mean covers a fiftieth of the run: short enough to follow the start, long enough to calm the noise.
    private const int MeansPerRun = 50;

    internal static void AppendTo(Markup html, ReportContents contents)
    {
        if (contents.Steps.Count == 0 && contents.Epochs.Count == 0)
            return;
        html.Add($"<section class=\"curves\">\n");
        AppendCard(html, Loss(contents), Interruptions(contents.Steps));
        LineChart accuracy = Accuracy(contents.Epochs);
        if (accuracy.Series.Count > 0)
            AppendCard(html, accuracy, null);
        if (contents.Steps.Count > 0)
        {
            AppendCard(html, LearningRate(contents.Steps), null);
            AppendCard(html, Throughput(contents.Steps), null);
        }

        html.Add($"</section>\n");
    }

    private static void AppendCard(Markup html, LineChart chart, string? note)
    {
        html.Add($"<figure class=\"card\">\n");
        chart.AppendTo(html);
        if (note is not null)
            html.Add($"<figcaption>{note}</figcaption>\n");
        html.Add($"</figure>\n");
    }

    private static LineChart Loss(ReportContents contents)
    {
        List<LineSeries> series = [];
        if (contents.Steps.Count > 0)
        {
            double[] x = Column(contents.Steps, step => step.Step);
            double[] loss = Column(contents.Steps, step => step.Loss);
            int window = Math.Max(1, loss.Length / MeansPerRun);
            series.Add(new LineSeries("batch", x, loss, 0, window > 1 ? LineStyle.Thin : LineStyle.Line));
            if (window > 1)
                series.Add(new LineSeries(Text($"mean of {window | 1} steps"), x, CurveReduction.CentredMean(loss, window | 1)));
        }

        (double[] epochX, double[] test) = Measured(contents.Epochs, epoch => epoch.Step, epoch => epoch.TestLoss);
        if (test.Length > 0)
            series.Add(new LineSeries("test", epochX, test, TestColour, LineStyle.Marked));
        return new LineChart("loss", series) { XLabel = "step" };
    }

    private static LineChart Accuracy(IReadOnlyList<EpochRecord> epochs)
    {
        List<LineSeries> series = [];
        AddAccuracy(series, "train", 0, epochs, epoch => epoch.TrainAccuracy);
        AddAccuracy(series, "test", TestColour, epochs, epoch => epoch.TestAccuracy);
        AddAccuracy(series, "test of the moving average", AverageColour, epochs, epoch => epoch.EmaTestAccuracy);
        return new LineChart("accuracy", series) { XLabel = "epoch", YUnit = " %", YAtMost = 100, XIsWhole = true };
    }

    private static void AddAccuracy(
        List<LineSeries> series, string name, int colour, IReadOnlyList<EpochRecord> epochs, Func<EpochRecord, double?> fraction)
    {
        (double[] x, double[] percent) = Measured(epochs, epoch => epoch.Epoch, epoch => 100 * fraction(epoch));
        if (percent.Length > 0)
            series.Add(new LineSeries(Text($"{name} {percent[^1]:0.0} %"), x, percent, colour, LineStyle.Marked));
    }

    private static LineChart LearningRate(IReadOnlyList<StepRecord> steps) => new(
        "learning rate",
        [new LineSeries("", Column(steps, step => step.Step), Column(steps, step => step.LearningRate), 3)])
    {
        XLabel = "step",
        YFromZero = true,
        Height = 180,
    };

    private static LineChart Throughput(IReadOnlyList<StepRecord> steps)
    {
        double[] x = Column(steps, step => step.Step);
        double[] rate = Column(steps, step => step.ImagesPerSecond);
        int window = Math.Max(1, rate.Length / MeansPerRun) | 1;
        return new LineChart(
            "images per second",
            [new LineSeries("", x, rate, 2, LineStyle.Thin), new LineSeries("", x, CurveReduction.CentredMean(rate, window), 2)])
        {
            XLabel = "step",
            YFromZero = true,
            Height = 180,
        };
    }

    private static string? Interruptions(IReadOnlyList<StepRecord> steps)
    {
        int count = 0;
        long first = 0;
        foreach (StepRecord step in steps)
        {
            if (double.IsFinite(step.Loss))
                continue;
            first = count == 0 ? step.Step : first;
            count++;
        }

        return count == 0 ? null : Text($"The loss of {count} {(count == 1 ? "step" : "steps")} was not a finite number, first at step {first}.");
    }

    private static double[] Column(IReadOnlyList<StepRecord> steps, Func<StepRecord, double> value)
    {
        double[] column = new double[steps.Count];
        for (int i = 0; i < column.Length; i++)
            column[i] = value(steps[i]);
        return column;
    }

    private static (double[] X, double[] Y) Measured(
        IReadOnlyList<EpochRecord> epochs, Func<EpochRecord, double> x, Func<EpochRecord, double?> y)
    {
        List<double> xs = [];
        List<double> ys = [];
        foreach (EpochRecord epoch in epochs)
        {
            if (y(epoch) is not { } value)
                continue;
            xs.Add(x(epoch));
            ys.Add(value);
        }

        return ([.. xs], [.. ys]);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
