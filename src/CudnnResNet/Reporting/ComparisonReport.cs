namespace CudnnResNet.Reporting;

/// <summary>Several runs on one page: their curves over each other, their numbers, and the options in which they differ.</summary>
public static class ComparisonReport
{
    /// <param name="path">The HTML file.</param>
    /// <param name="runs">Two or more, in the order shown.</param>
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<RunRecord> runs) => HtmlReport.WriteFile(path, ToHtml(runs));

    public static string ToHtml(IReadOnlyList<RunRecord> runs)
    {
        if (runs.Count < 2)
            throw new ArgumentException($"{runs.Count} run is nothing to compare.", nameof(runs));
        return HtmlReport.Page($"{runs.Count} runs compared", html =>
        {
            html.Add($"<header>\n<h1>{runs.Count} runs compared</h1>\n");
            AppendLegend(html, runs);
            html.Add($"</header>\n");
            HtmlReport.AppendMissing(html, [.. runs.SelectMany(run => run.Missing.Select(sentence => $"{run.Name}: {sentence}"))]);
            html.Add($"<section class=\"card\">\n<h2>results</h2>\n");
            ComparisonTables.AppendResults(html, runs);
            html.Add($"</section>\n");
            ComparisonCurves.AppendTo(html, runs);
            html.Add($"<section class=\"card\">\n<h2>options that differ</h2>\n");
            ComparisonTables.AppendOptions(html, runs);
            html.Add($"</section>\n");
            AppendCommands(html, runs);
        });
    }

    private static void AppendLegend(Markup html, IReadOnlyList<RunRecord> runs)
    {
        html.Add($"<ul class=\"legend\">\n");
        for (int i = 0; i < runs.Count; i++)
        {
            string dashes = ComparisonCurves.IsDashed(i) ? " dashed" : "";
            html.Add($"<li><svg class=\"chart swatch\" viewBox=\"0 0 22 8\" width=\"22\" height=\"8\" aria-hidden=\"true\">");
            html.Add($"<path class=\"curve s{i % ChartStyle.Colours}{dashes}\" d=\"M1,4h20\"/></svg>");
            html.Add($"<strong>{runs[i].Name}</strong> <span>{RunSummary.Title(runs[i])}</span></li>\n");
        }

        html.Add($"</ul>\n");
    }

    private static void AppendCommands(Markup html, IReadOnlyList<RunRecord> runs)
    {
        if (runs.All(run => run.Log.Headers.All(header => header.Command is null)))
            return;
        html.Add($"<section class=\"card reproduction\">\n<h2>to repeat these runs</h2>\n");
        foreach (RunRecord run in runs)
        {
            string commands = string.Join('\n', run.Log.Headers.Select(header => header.Command).OfType<string>());
            if (commands.Length > 0)
                html.Add($"<p class=\"note\">{run.Name}</p>\n<pre>{commands}</pre>\n");
        }

        html.Add($"</section>\n");
    }
}
