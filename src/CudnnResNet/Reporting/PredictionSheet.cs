namespace CudnnResNet.Reporting;

/// <summary>A picture without a label, and its likeliest classes.</summary>
/// <param name="Title">Under the picture.</param>
/// <param name="Rgb">uint8 [Height, Width, 3].</param>
/// <param name="Classes">Names and probabilities, the likeliest first.</param>
public sealed record PredictedImage(
    string Title, byte[] Rgb, int Height, int Width, IReadOnlyList<(string Name, double Probability)> Classes);

/// <summary>Pictures with their likeliest classes as one HTML file that needs nothing else.</summary>
public static class PredictionSheet
{
    private const int Side = 224;

    private const string Css = """

        .predictions{display:grid;grid-template-columns:repeat(auto-fill,minmax(248px,1fr));gap:14px}
        .predictions img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:#000;border-radius:4px}
        .predictions figcaption{margin:8px 0 6px;overflow-wrap:anywhere}
        .predictions ol{list-style:none;margin:0;padding:0;font-size:12.5px;font-variant-numeric:tabular-nums}
        .predictions li{display:flex;justify-content:space-between;gap:8px;padding:2px 6px;border-radius:3px;background-repeat:no-repeat;background-image:linear-gradient(var(--line),var(--line))}
        """;

    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static void Write(string path, string title, IReadOnlyList<PredictedImage> images) =>
        HtmlReport.WriteFile(path, ToHtml(title, images));

    public static string ToHtml(string title, IReadOnlyList<PredictedImage> images) => HtmlReport.Page(title, html =>
    {
        html.Add($"<style>");
        html.AddMarkup(Css);
        html.Add($"</style>\n<h1>{title}</h1>\n<div class=\"predictions\">\n");
        foreach (PredictedImage image in images)
            Append(html, image);
        html.Add($"</div>\n");
    });

    private static void Append(Markup html, PredictedImage image)
    {
        (int height, int width, byte[] pixels) = Thumbnail.Shrink(image.Rgb, image.Height, image.Width, 3, Side);
        string png = Convert.ToBase64String(PngWriter.Encode(pixels, height, width, 3));
        html.Add($"<figure class=\"card\"><img alt=\"{image.Title}\" src=\"data:image/png;base64,{png}\"/><figcaption>{image.Title}</figcaption><ol>\n");
        foreach ((string name, double probability) in image.Classes)
            html.Add($"<li style=\"background-size:{100 * probability:0.0}% 100%\"><span>{name}</span><span>{100 * probability:0.0} %</span></li>\n");
        html.Add($"</ol></figure>\n");
    }
}
