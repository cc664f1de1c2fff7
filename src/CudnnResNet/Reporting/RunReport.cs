using System.Globalization;

namespace CudnnResNet.Reporting;

/// <summary>The report of one run, made of nothing but its folder.</summary>
public static class RunReport
{
    private const int MostPictures = 24;

    public static ReportContents Of(RunRecord run)
    {
        RunPredictions? predictions = run.Predictions;
        return new ReportContents(RunSummary.Title(run), RunSummary.Headline(run), FactsOf(run))
        {
            Missing = run.Missing,
            Steps = run.Log.Steps,
            Epochs = run.Log.Epochs,
            ClassNames = run.Description?.ClassNames ?? [],
            Confusion = predictions?.Confusion(),
            Mistakes = predictions is null ? [] : [.. predictions.Worst.Take(MostPictures).Select(predictions.Classified)],
            Images = predictions is null ? [] : [.. Spread(predictions.Sample).Select(predictions.Classified)],
            Memory = run.Description?.Memory ?? [],
            MemorySvg = run.MemorySvg,
            Command = Commands(run.Log.Headers),
            Options = run.Options,
            Versions = run.Log.Headers.Count > 0 ? run.Log.Headers[^1].Versions : [],
            Machine = run.Log.Headers.Count > 0 ? run.Log.Headers[^1].Machine : [],
        };
    }

    private static List<NamedValue> FactsOf(RunRecord run)
    {
        List<NamedValue> facts = [];
        if (run.Description is { } description)
        {
            facts.Add(new("network", description.Network));
            facts.Add(new("device", description.Device));
        }

        if (RunSummary.Best(run) is { } best)
            facts.Add(new("best test accuracy", string.Create(CultureInfo.InvariantCulture,
                $"{RunSummary.Percent(RunSummary.Accuracy(best))}{(best.EmaTestAccuracy > best.TestAccuracy ? " of the moving average" : "")} after epoch {best.Epoch}")));
        if (RunSummary.LastTested(run)?.EmaTestAccuracy is { } average)
            facts.Add(new("moving average", RunSummary.Percent(average)));
        facts.Add(new("steps", RunSummary.Steps(run)));
        if (run.Log.Epochs.Count > 0)
            facts.Add(new("training time", RunSummary.Duration(run.TrainingSeconds)));
        facts.Add(new("throughput", RunSummary.Rate(RunSummary.ImagesPerSecond(run))));
        if (run.Log.Headers.Count > 0)
            facts.Add(new("started", run.Log.Headers[0].StartedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)
                + (run.Log.Headers.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $", continued {Times(run.Log.Headers.Count - 1)}") : "")));
        return facts;
    }

    private static string Times(int count) => count == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{count} times");

    // A run that was continued takes all of its commands to repeat.
    private static string? Commands(IReadOnlyList<RunHeader> headers)
    {
        string[] commands = [.. headers.Select(header => header.Command).OfType<string>()];
        return commands.Length == 0 ? null : string.Join('\n', commands);
    }

    private static IEnumerable<TestPicture> Spread(IReadOnlyList<TestPicture> pictures)
    {
        int count = Math.Min(MostPictures, pictures.Count);
        return Enumerable.Range(0, count).Select(i => pictures[(int)((long)i * pictures.Count / count)]);
    }
}
