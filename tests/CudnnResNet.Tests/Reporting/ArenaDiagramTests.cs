using System.Globalization;
using System.Text;
using System.Xml.Linq;
using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class ArenaDiagramTests
{
    private static readonly ArenaRectangle[] Values =
    [
        new("x", "activations", 0, 1, 0, 1024),
        new("<y>", "activations", 1, 3, 1024, 2048),
        new("dw", "gradients", 3, 3, 0, 512),
    ];

    [Fact]
    public void Rectangles_cover_their_instructions_and_bytes()
    {
        XDocument svg = SvgReading.Parse(new ArenaDiagram("arena", Values, 3072, 3072).ToSvg());

        List<XElement> rectangles = [.. svg.Descendants().Where(e => e.Name.LocalName == "rect" && e.Elements().Any())];
        Assert.Equal(3, rectangles.Count);
        XElement x = rectangles[0];
        XElement y = rectangles[1];
        XElement dw = rectangles[2];

        // One instruction and one byte in pixels, from the first rectangle, whose size includes a gap of 0.6.
        double instruction = (x.Number("width") + 0.6) / 2;
        double pixels = (x.Number("height") + 0.6) / 1024;
        Assert.Equal(x.Number("x") + instruction, y.Number("x"), 0.02);
        Assert.Equal(3 * instruction, y.Number("width") + 0.6, 0.02);
        Assert.Equal(x.Number("y"), y.Number("y") + (2048 * pixels), 0.02);
        Assert.Equal(2048 * pixels, y.Number("height") + 0.6, 0.02);
        Assert.Equal(x.Number("x") + (3 * instruction), dw.Number("x"), 0.02);
        Assert.Equal(x.Number("y") + (512 * pixels), dw.Number("y"), 0.02);
        Assert.StartsWith("<y>: activations, 2 KiB at 1024, instructions 1 to 3", y.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_live_curve_peaks_at_the_largest_live_set()
    {
        XDocument svg = SvgReading.Parse(new ArenaDiagram("arena", Values, 4096, 3072).ToSvg());

        // Live bytes: 1024, 3072, 2048, 2560. The curve's highest point lies on the lower bound's line.
        string curve = svg.Elements("path", "live").Single().Attribute("d")!.Value;
        double[] heights = [.. curve.Split('V').Skip(1).Select(part => double.Parse(part.Split('H')[0], CultureInfo.InvariantCulture))];
        double bound = LineHeight(svg, "bound");
        double peak = LineHeight(svg, "peak");
        double bottom = double.Parse(curve[1..].Split('V')[0].Split(',')[1], CultureInfo.InvariantCulture);
        Assert.Equal(4, heights.Length);
        Assert.Equal(bound, heights.Min(), 0.06);
        Assert.Equal((bottom - peak) * 3 / 4, bottom - bound, 0.02);
        Assert.Equal((bottom - peak) / 4, bottom - heights[0], 0.06);
        Assert.Equal((bottom - peak) * 2560 / 4096, bottom - heights[3], 0.06);
    }

    [Fact]
    public void Thousands_of_rectangles_are_all_drawn_in_a_small_file()
    {
        var random = new Random(1);
        ArenaRectangle[] values = [.. Enumerable.Range(0, 5000).Select(i =>
            new ArenaRectangle($"layer4.{i}.conv2.weight", $"kind {i % 9}", i, i + random.Next(500), random.Next(1 << 28), random.Next(1 << 22)))];

        string svg = new ArenaDiagram("arena", values, 1L << 29, 1L << 28).ToSvg();

        Assert.Equal(5000, SvgReading.Parse(svg).Descendants().Count(e => e.Name.LocalName == "rect" && e.Attribute("class") is null));
        Assert.InRange(Encoding.UTF8.GetByteCount(svg), 100_000, 600_000);
    }

    [Fact]
    public void An_empty_arena_and_phases_are_drawn()
    {
        XDocument svg = SvgReading.Parse(new ArenaDiagram("arena", [], 0, 0) { Phases = [new("forward", 0), new("b&w", 4)] }.ToSvg());

        Assert.Equal(["forward", "b&w"], svg.Elements("text", "phase").Select(text => text.Value));
    }

    [Fact]
    public void A_rectangle_that_ends_before_it_begins_is_refused() =>
        Assert.Throws<ArgumentException>(() => new ArenaDiagram("arena", [new("x", "k", 3, 2, 0, 1)], 1, 1).ToSvg());

    private static double LineHeight(XDocument svg, string name) =>
        double.Parse(svg.Elements("path", name).Single().Attribute("d")!.Value.Split(',')[1].Split('H')[0], CultureInfo.InvariantCulture);
}
