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
        int count = Math.Min(MostImages, contents.Images.Count);
        if (count == 0)
            return;
        byte[][] pngs = Encode(contents.Images, count);
        html.Add($"<section class=\"pictures\">\n<h2>test images and predictions</h2>\n");
        html.Add($"<p class=\"note\">The network’s answer and its confidence; a mistake is framed and followed by the true class.</p>\n<div class=\"sheet\">\n");
        for (int i = 0; i < count; i++)
            AppendImage(html, contents.Images[i], pngs[i], contents.ClassNames);
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
            html.Add($"<span class=\"truth\">is {truth}</span>");
        html.Add($"</figcaption></figure>\n");
    }

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
