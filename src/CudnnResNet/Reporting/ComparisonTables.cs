using System.Globalization;
using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>The numbers of several runs, and the options in which they differ: a row a run, so that names may be long.</summary>
internal static class ComparisonTables
{
    private const int MostTargets = 3;

    // Round accuracies that people aim at; the table shows the highest that any run reached.
    private static readonly double[] Targets =
        [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995];

    internal static void AppendResults(Markup html, IReadOnlyList<RunRecord> runs)
    {
        double highest = runs.Max(run => RunSummary.Accuracy(RunSummary.Best(run)) ?? 0);
        double[] targets = [.. Targets.Where(target => target <= highest).TakeLast(MostTargets)];
        html.Add($"<div class=\"wide\"><table class=\"numbers results\">\n<thead><tr><th>run</th><th>final test accuracy</th>");
        bool hasAverage = runs.Any(RunSummary.HasAverage);
        if (hasAverage)
            html.Add($"<th>of the moving average</th>");
        html.Add($"<th>best</th><th>test loss</th>");
        html.Add($"<th>train loss</th><th>epochs</th><th>steps</th><th>training time</th><th>throughput</th>");
        foreach (double target in targets)
            html.Add($"<th>time to {100 * target:0.#} %</th>");
        html.Add($"</tr></thead>\n<tbody>\n");
        foreach (RunRecord run in runs)
            AppendResult(html, run, targets, highest, hasAverage);
        html.Add($"</tbody>\n</table></div>\n");
    }

    internal static void AppendOptions(Markup html, IReadOnlyList<RunRecord> runs)
    {
        List<(string Name, Func<RunRecord, string?> Of)> rows = [];
        AddRows(rows, runs, run => run.Options);
        AddRows(rows, runs, run => run.Log.Headers.Count > 0 ? run.Log.Headers[^1].Versions : []);
        AddRows(rows, runs, run => run.Log.Headers.Count > 0 ? run.Log.Headers[^1].Machine : []);
        if (rows.Count == 0)
        {
            html.Add($"<p class=\"note\">None: the runs were made alike, by the same versions.</p>\n");
            return;
        }

        html.Add($"<div class=\"wide\"><table class=\"differences\">\n<thead><tr><th></th>");
        foreach (RunRecord run in runs)
            html.Add($"<th>{run.Name}</th>");
        html.Add($"</tr></thead>\n<tbody>\n");
        foreach ((string name, Func<RunRecord, string?> of) in rows)
        {
            html.Add($"<tr><th>{name}</th>");
            foreach (RunRecord run in runs)
                html.Add($"<td>{of(run) ?? "–"}</td>");
            html.Add($"</tr>\n");
        }

        html.Add($"</tbody>\n</table></div>\n");
    }

    private static void AppendResult(Markup html, RunRecord run, double[] targets, double highest, bool hasAverage)
    {
        EpochRecord? best = RunSummary.Best(run);
        EpochRecord? last = RunSummary.LastTested(run);
        double? trainLoss = run.Log.Epochs.Count > 0 ? run.Log.Epochs[^1].TrainLoss : null;
        html.Add($"<tr><th>{run.Name}</th><td>{RunSummary.Percent(last?.TestAccuracy)}</td>");
        if (hasAverage)
            html.Add($"<td>{RunSummary.Percent(last?.EmaTestAccuracy)}</td>");
        double? top = RunSummary.Accuracy(best);
        html.Add($"<td class=\"{(top >= highest ? "leader" : "")}\">{RunSummary.Percent(top)}{At(best)}</td>");
        html.Add($"<td>{RunSummary.Number(last?.TestLoss)}</td><td>{RunSummary.Number(trainLoss)}</td>");
        html.Add($"<td>{run.Log.Epochs.Count}</td><td>{RunSummary.Steps(run)}</td>");
        html.Add($"<td>{RunSummary.Duration(run.Log.Epochs.Count > 0 ? run.TrainingSeconds : null)}</td>");
        html.Add($"<td>{RunSummary.Rate(RunSummary.ImagesPerSecond(run))}</td>");
        foreach (double target in targets)
            html.Add($"<td>{(RunSummary.SecondsTo(run, target) is { } seconds ? RunSummary.Duration(seconds) : "not reached")}</td>");
        html.Add($"</tr>\n");
    }

    // In the order of the runs that have them, each name once, only where values differ.
    private static void AddRows(
        List<(string Name, Func<RunRecord, string?> Of)> rows, IReadOnlyList<RunRecord> runs, Func<RunRecord, IReadOnlyList<NamedValue>> values)
    {
        foreach (string name in runs.SelectMany(run => values(run)).Select(value => value.Name).Distinct())
        {
            string? ValueOf(RunRecord run) => values(run).LastOrDefault(value => value.Name == name)?.Value;
            if (runs.Select(ValueOf).Distinct().Count() > 1)
                rows.Add((name, ValueOf));
        }
    }

    private static string At(EpochRecord? best) =>
        best is null ? "" : string.Create(CultureInfo.InvariantCulture, $" (epoch {best.Epoch})");
}
