using System.Globalization;
using System.Text;
using System.Xml.Linq;
using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Reporting;

public class HtmlReportTests
{
    private const string Hostile = "<script>alert('x')</script>&\"\u0001\uD800]]>";

    [Fact]
    public void A_full_report_has_every_section_and_needs_nothing_from_outside()
    {
        string html = HtmlReport.ToHtml(Sample(steps: 300, "cat", "dog"));
        XDocument page = SvgReading.Parse(html);

        Assert.StartsWith("<!DOCTYPE html>", html, StringComparison.Ordinal);
        Assert.Equal("75.0 %", Named(page, "strong").Single().Value);
        Assert.Equal(
            ["loss", "accuracy", "learning rate", "images per second", "confusion matrix", "arena"],
            page.Elements("svg", "chart").Select(svg => svg.Attribute("aria-label")!.Value));
        Assert.Equal(
            ["classes", "most frequent confusions", "the worst mistakes", "test images and predictions", "memory plan", "to repeat this run"],
            Named(page, "h2").Select(title => title.Value));
        Assert.Contains("./resnet train", Named(page, "pre").Single().Value, StringComparison.Ordinal);
        Assert.Contains("prefers-color-scheme:dark", html, StringComparison.Ordinal);
        Assert.Empty(Named(page, "script"));
        Assert.Empty(Named(page, "link"));
        Assert.All(page.Descendants().Attributes("src"), source => Assert.StartsWith("data:image/png;base64,", source.Value, StringComparison.Ordinal));
        Assert.DoesNotContain("url(", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http", html.Replace("http://www.w3.org/", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Class_table_shows_the_matrix()
    {
        XDocument page = SvgReading.Parse(HtmlReport.ToHtml(Sample(10, "cat", "dog")));

        IEnumerable<string> rows = page.Elements("table", "numbers").First().Descendants()
            .Where(e => e.Name.LocalName == "tr").Select(row => string.Join('|', row.Elements().Select(cell => cell.Value)));
        Assert.Equal(
            ["class|images|precision|recall|F1", "cat|4|100.0 %|50.0 %|66.7 %", "dog|4|66.7 %|100.0 %|80.0 %", "accuracy|8|75.0 %"], rows);
    }

    [Fact]
    public void Pictures_are_the_images_and_a_mistake_is_marked_in_words_too()
    {
        ReportContents contents = Sample(10, "cat", "dog");
        XDocument page = SvgReading.Parse(HtmlReport.ToHtml(contents));

        List<XElement> pictures = [.. Named(page.Elements("section", "sample").Single(), "img")];
        Assert.Equal(2, pictures.Count);
        byte[] png = Convert.FromBase64String(pictures[0].Attribute("src")!.Value["data:image/png;base64,".Length..]);
        Assert.Equal(contents.Images[0].PixelsRgbOrGray.ToArray(), PngDecoder.Decode(png).Pixels);
        List<XElement> worst = [.. Named(page.Elements("section", "worst").Single(), "figure")];
        Assert.Equal(["✗ dog 60 %is cat 30 %", "✗ dog 55 %is cat 45 %"], worst.Select(figure => figure.Value));
        Assert.Equal(contents.Mistakes.Select(image => image.PixelsRgbOrGray.ToArray()), worst.Select(figure => PngDecoder.Decode(Convert.FromBase64String(
            Named(figure, "img").Single().Attribute("src")!.Value["data:image/png;base64,".Length..])).Pixels));
        page = new XDocument(page.Elements("section", "sample").Single());
        Assert.Equal("cat 90 %", page.Elements("figure", "hit").Single().Value);
        Assert.Equal("✗ dog 60 %is cat", page.Elements("figure", "miss").Single().Value);
    }

    [Fact]
    public void Text_from_data_never_becomes_markup()
    {
        string harmless = HtmlReport.ToHtml(Sample(10, "cat", "dog"));
        string hostile = HtmlReport.ToHtml(Sample(10, Hostile, "dog"));
        XDocument page = SvgReading.Parse(hostile);

        Assert.DoesNotContain("<script", hostile, StringComparison.OrdinalIgnoreCase);
        // The same elements in the same order: the text has added none.
        Assert.Equal(
            SvgReading.Parse(harmless).Descendants().Select(e => e.Name.LocalName),
            page.Descendants().Select(e => e.Name.LocalName));
        string shown = Hostile.Replace('\u0001', '\uFFFD').Replace('\uD800', '\uFFFD');
        Assert.Equal(shown, Named(page, "h1").Single().Value);
        Assert.Contains(Named(page, "th"), cell => cell.Value == shown);
        Assert.Contains(Named(page, "td"), cell => cell.Value == shown);
        Assert.Contains(Named(page, "dd"), cell => cell.Value == shown);
        Assert.Equal(shown, Named(page, "img").First().Attribute("alt")!.Value);
    }

    [Fact]
    public void A_hundred_thousand_steps_and_large_pictures_stay_below_a_megabyte()
    {
        var random = new Random(9);
        ClassifiedImage[] images = [.. Enumerable.Range(0, 80).Select(i =>
        {
            byte[] noise = new byte[224 * 224 * 3];
            random.NextBytes(noise);
            return new ClassifiedImage(noise, 224, 224, 3, i % 2, 0, 0.5);
        })];

        string html = HtmlReport.ToHtml(Sample(100_000, "cat", "dog") with { Images = images });

        Assert.InRange(Encoding.UTF8.GetByteCount(html), 100_000, 1_000_000);
        Assert.Equal(ImageSheet.MostImages, Named(SvgReading.Parse(html).Elements("section", "sample").Single(), "img").Count());
    }

    [Fact]
    public void A_shrunk_picture_keeps_its_mean()
    {
        byte[] pixels = new byte[400 * 200 * 3];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)(i % 3 == 0 ? 40 : i % 3 == 1 ? 250 : i / 3 % 2 * 100);

        (byte[] shrunk, int height, int width, int channels) =
            PngDecoder.Decode(Thumbnail.Encode(new ClassifiedImage(pixels, 400, 200, 3, 0, 0, 1), 50));

        // Every area of 8x8 pixels has 40, 250 and as many zeros as hundreds.
        Assert.Equal((50, 25, 3), (height, width, channels));
        for (int i = 0; i < shrunk.Length; i++)
            Assert.Equal(i % 3 == 0 ? 40 : i % 3 == 1 ? 250 : 50, shrunk[i]);
    }

    [Fact]
    public void Losses_that_are_not_finite_are_reported()
    {
        ReportContents contents = Sample(100, "cat", "dog");
        StepRecord[] steps = [.. contents.Steps];
        steps[41] = steps[41] with { Loss = double.NaN };
        steps[60] = steps[60] with { Loss = double.PositiveInfinity };

        string html = HtmlReport.ToHtml(contents with { Steps = steps });

        Assert.Contains("The loss of 2 steps was not a finite number, first at step 42.", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_classes_and_an_empty_report_are_written()
    {
        var matrix = new ConfusionMatrix(1000);
        for (int k = 0; k < 1000; k++)
        {
            for (int i = 0; i < 50; i++)
                matrix.Add(k, i < 40 - (k % 7) ? k : (k + i) % 1000);
        }

        ReportContents bare = new("bare", new("test accuracy", "–"), []);
        XDocument many = SvgReading.Parse(HtmlReport.ToHtml(bare with { Confusion = matrix }));

        Assert.Contains(Named(many, "h2"), title => title.Value == "the 14 classes of lowest recall");
        Assert.Empty(many.Elements("svg", "chart"));
        Assert.Empty(Named(SvgReading.Parse(HtmlReport.ToHtml(bare)), "section"));
    }

    [Fact]
    public void A_run_without_epochs_has_no_accuracy_curve()
    {
        XDocument page = SvgReading.Parse(HtmlReport.ToHtml(Sample(10, "cat", "dog") with { Epochs = [], Confusion = null, MemorySvg = null }));

        Assert.Equal(
            ["loss", "learning rate", "images per second"],
            page.Elements("svg", "chart").Select(svg => svg.Attribute("aria-label")!.Value));
    }

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        string expected = HtmlReport.ToHtml(Sample(50, "cat", "dog"));
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CommaCulture.Make();
            Assert.Equal(expected, HtmlReport.ToHtml(Sample(50, "cat", "dog")));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_memory_drawing_that_is_no_svg_is_refused()
    {
        ReportContents contents = Sample(10, "cat", "dog");

        Assert.Throws<ArgumentException>(() => HtmlReport.ToHtml(contents with { MemorySvg = "<p/>" }));
        Assert.Throws<System.Xml.XmlException>(() => HtmlReport.ToHtml(contents with { MemorySvg = "<svg>" }));
    }

    [Fact]
    public void Write_makes_the_folder_and_names_a_file_it_cannot_write()
    {
        string folder = Directory.CreateTempSubdirectory("report").FullName;
        try
        {
            string path = Path.Combine(folder, "new", "report.html");
            ReportContents contents = Sample(10, "cat", "dog");
            HtmlReport.Write(path, contents);

            Assert.Equal(HtmlReport.ToHtml(contents), File.ReadAllText(path));
            Assert.Equal((byte)'<', File.ReadAllBytes(path)[0]);
            ResNetException error = Assert.Throws<ResNetException>(() => HtmlReport.Write(folder, contents));
            Assert.Contains(folder, error.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<XElement> Named(XContainer page, string name) =>
        page.Descendants().Where(element => element.Name.LocalName == name);

    private static ReportContents Sample(int steps, string first, string second)
    {
        var random = new Random(4);
        byte[] pixels = new byte[28 * 28];
        random.NextBytes(pixels);
        byte[] inverted = Array.ConvertAll(pixels, value => (byte)(255 - value));
        return new ReportContents(first, new("test accuracy", "75.0 %"), [new(first, first), new("device", "reference")])
        {
            Steps = [.. Enumerable.Range(1, steps).Select(i => new StepRecord(i, 1 + (i / 50), random.NextDouble(), 0.1, 900 + random.Next(90)))],
            Epochs = [new(1, steps / 2, 0.8, 0.6, 0.7, 0.65, 30), new(2, steps, 0.6, 0.75, 0.5, 0.8, 30)],
            ClassNames = [first, second],
            Confusion = new ConfusionMatrix(new[,] { { 2, 2 }, { 0, 4 } }),
            Mistakes = [new(inverted, 28, 28, 1, 0, 1, 0.6) { Loss = 1.2 }, new(pixels, 28, 28, 1, 0, 1, 0.55) { Loss = 0.8 }],
            Images = [new(pixels, 28, 28, 1, 0, 0, 0.9), new(pixels, 28, 28, 1, 0, 1, 0.6)],
            Memory = [new("peak", "3 KiB"), new(first, first)],
            MemorySvg = new ArenaDiagram("arena", [new(first, first, 0, 1, 0, 1024)], 1024, 1024).ToSvg(),
            Command = "./resnet train " + first,
            Options = [new("model", "resnet18"), new(first, first)],
            Versions = [new("oneDNN", first)],
        };
    }
}
