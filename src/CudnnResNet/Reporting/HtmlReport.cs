using System.Text;

namespace CudnnResNet.Reporting;

/// <summary>
/// A run as one HTML file that needs nothing else: style, drawings and pictures are inside, there is no script and no
/// network access. The markup is well-formed XML as well.
/// </summary>
public static class HtmlReport
{
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, ReportContents contents) => WriteFile(path, ToHtml(contents));

    public static string ToHtml(ReportContents contents) => Page(contents.Title, html =>
    {
        AppendHeadline(html, contents);
        AppendMissing(html, contents.Missing);
        CurveSection.AppendTo(html, contents);
        ClassSection.AppendTo(html, contents);
        ImageSheet.AppendTo(html, contents);
        MemorySection.AppendTo(html, contents);
        ReproductionSection.AppendTo(html, contents);
    });

    internal static void WriteFile(string path, string html)
    {
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            File.WriteAllText(path, html, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ResNetException($"cannot write the report '{path}': {error.Message} Name another file.", error);
        }
    }

    internal static string Page(string title, Action<Markup> appendBody)
    {
        var html = new Markup();
        html.Add($"<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        html.Add($"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n<style>\n");
        html.AddMarkup(ChartStyle.Css);
        html.AddMarkup(ReportStyle.Css);
        html.Add($"\n</style>\n</head>\n<body>\n<main>\n");
        appendBody(html);
        html.Add($"</main>\n</body>\n</html>\n");
        return html.ToString();
    }

    internal static void AppendMissing(Markup html, IReadOnlyList<string> sentences)
    {
        if (sentences.Count == 0)
            return;
        html.Add($"<aside class=\"card missing\">\n<h2>not everything is there</h2>\n<ul>\n");
        foreach (string sentence in sentences)
            html.Add($"<li>{sentence}</li>\n");
        html.Add($"</ul>\n</aside>\n");
    }

    private static void AppendHeadline(Markup html, ReportContents contents)
    {
        html.Add($"<header>\n<h1>{contents.Title}</h1>\n<div class=\"headline\">\n");
        html.Add($"<p class=\"result\"><strong>{contents.Headline.Value}</strong><span>{contents.Headline.Name}</span></p>\n<dl>\n");
        foreach (NamedValue fact in contents.Facts)
            html.Add($"<div><dt>{fact.Name}</dt><dd>{fact.Value}</dd></div>\n");
        html.Add($"</dl>\n</div>\n</header>\n");
    }
}
