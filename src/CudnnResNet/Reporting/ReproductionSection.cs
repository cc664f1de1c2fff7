namespace CudnnResNet.Reporting;

/// <summary>What it takes to repeat the run: command, options, versions.</summary>
internal static class ReproductionSection
{
    internal static void AppendTo(Markup html, ReportContents contents)
    {
        if (contents.Options.Count == 0 && contents.Versions.Count == 0 && contents.Machine.Count == 0 && contents.Command is null)
            return;
        html.Add($"<section class=\"card reproduction\">\n<h2>to repeat this run</h2>\n");
        if (contents.Command is { } command)
            html.Add($"<pre>{command}</pre>\n");
        html.Add($"<div class=\"columns\">\n<div>\n");
        AppendTable(html, "options", contents.Options);
        html.Add($"</div>\n<div>\n");
        AppendTable(html, "versions", contents.Versions);
        AppendTable(html, "machine", contents.Machine);
        html.Add($"</div>\n</div>\n</section>\n");
    }

    private static void AppendTable(Markup html, string title, IReadOnlyList<NamedValue> rows)
    {
        if (rows.Count == 0)
            return;
        html.Add($"<table>\n<thead><tr><th colspan=\"2\">{title}</th></tr></thead>\n<tbody>\n");
        foreach (NamedValue row in rows)
            html.Add($"<tr><th>{row.Name}</th><td>{row.Value}</td></tr>\n");
        html.Add($"</tbody>\n</table>\n");
    }
}
