using System.Xml.Linq;

namespace CudnnResNet.Reporting;

/// <summary>The report's summary of the memory plan.</summary>
internal static class MemorySection
{
    internal static void AppendTo(Markup html, ReportContents contents)
    {
        if (contents.Memory.Count == 0 && contents.MemorySvg is null)
            return;
        html.Add($"<section class=\"card memory\">\n<h2>memory plan</h2>\n");
        if (contents.Memory.Count > 0)
        {
            html.Add($"<dl class=\"figures\">\n");
            foreach (NamedValue row in contents.Memory)
                html.Add($"<div><dt>{row.Name}</dt><dd>{row.Value}</dd></div>\n");
            html.Add($"</dl>\n");
        }

        if (contents.MemorySvg is { } svg)
            html.AddMarkup(Embeddable(svg));
        html.Add($"</section>\n");
    }

    // An XML declaration or doctype may open a file but not stand inside a page; what is not well-formed would break it.
    private static string Embeddable(string svg)
    {
        XElement root = XDocument.Parse(svg).Root!;
        if (root.Name.LocalName != "svg")
            throw new ArgumentException($"the drawing of the memory plan is <{root.Name.LocalName}>, not <svg>.", nameof(svg));
        return root.ToString(SaveOptions.DisableFormatting) + "\n";
    }
}
