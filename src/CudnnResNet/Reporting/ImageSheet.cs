namespace CudnnResNet.Reporting;

/// <summary>The report's sheet of test images: each with what it was taken for; a mistake has a frame, a cross and its truth.</summary>
public static class ImageSheet
{
    /// <summary>A sheet longer than this is no longer looked at.</summary>
    public const int MostImages = 60;

    private const int MostPngBytes = 360_000;

    // Enlarged without smoothing up to here, so that small pictures keep their pixels.
    private const int CrispPixels = 40;

    private static readonly int[] Sides = [112, 80, 64, 48, 32];

    internal static void AppendTo(Markup html, ReportContents contents)
    {
        AppendSheet(html, contents.Mistakes, contents.ClassNames, "worst", "the worst mistakes",
            "Highest loss first. The network’s answer and its probability, then the true class and how probable the network thought it.");
        AppendSheet(html, contents.Images, contents.ClassNames, "sample", "test images and predictions",
            "From all over the test set: the network’s answer and its probability; a mistake is framed and followed by the true class.");
    }

    private static void AppendSheet(
        Markup html, IReadOnlyList<ClassifiedImage> images, IReadOnlyList<string> names, string kind, string title, string note)
    {
        int count = Math.Min(MostImages, images.Count);
        if (count == 0)
            return;
        byte[][] pngs = Encode(images, count);
        html.Add($"<section class=\"pictures {kind}\">\n<h2>{title}</h2>\n<p class=\"note\">{note}</p>\n<div class=\"sheet\">\n");
        for (int i = 0; i < count; i++)
            AppendImage(html, images[i], pngs[i], names);
        html.Add($"</div>\n</section>\n");
    }

    private static void AppendImage(Markup html, ClassifiedImage image, byte[] png, IReadOnlyList<string> names)
    {
        string truth = ClassSection.NameOf(names, image.TrueLabel);
        string predicted = ClassSection.NameOf(names, image.Predicted);
        string crisp = Math.Max(image.Height, image.Width) <= CrispPixels ? " class=\"crisp\"" : "";
        html.Add($"<figure class=\"{(image.IsCorrect ? "hit" : "miss")}\"><img");
        html.AddMarkup(crisp);
        html.Add($" alt=\"{truth}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\"/>");
        html.Add($"<figcaption><span class=\"answer\">{(image.IsCorrect ? "" : "✗ ")}{predicted}</span> ");
        html.Add($"<span class=\"confidence\">{100 * image.Confidence:0} %</span>");
        if (!image.IsCorrect)
            AppendTruth(html, truth, image.Loss);
        html.Add($"</figcaption></figure>\n");
    }

    private static void AppendTruth(Markup html, string truth, double? loss)
    {
        html.Add($"<span class=\"truth\">is {truth}</span>");
        if (loss is { } known)
            html.Add($" <span class=\"confidence\" title=\"loss {known:0.00}\">{Probability(Math.Exp(-known))}</span>");
    }

    private static string Probability(double fraction) => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{(fraction < 0.01 ? "<1" : Math.Round(100 * fraction).ToString("0", System.Globalization.CultureInfo.InvariantCulture))} %");

    // The largest of a few sizes at which all pictures together stay within their share of the file.
    private static byte[][] Encode(IReadOnlyList<ClassifiedImage> images, int count)
    {
        byte[][] pngs = new byte[count][];
        foreach (int side in Sides)
        {
            long total = 0;
            for (int i = 0; i < count; i++)
            {
                pngs[i] = Thumbnail.Encode(images[i], side);
                total += pngs[i].Length;
            }

            if (total <= MostPngBytes)
                break;
        }

        return pngs;
    }
}
