using System.Text;
using System.Xml.Linq;
using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class HeatMapTests
{
    [Fact]
    public void Cells_have_their_counts_and_the_root_of_their_share_of_the_row()
    {
        var matrix = new ConfusionMatrix(new[,] { { 9, 16, 0 }, { 0, 4, 0 }, { 0, 0, 0 } });
        XDocument svg = SvgReading.Parse(new HeatMap(matrix, ["a", "b<", "c"]).ToSvg());

        List<XElement> cells = [.. svg.Descendants().Where(e => e.Name.LocalName == "g" && e.Elements().Any(c => c.Name.LocalName == "title"))];
        Assert.Equal(9, cells.Count);
        XElement[] shades = [.. cells.Select(cell => cell.Elements().Single(e => e.Name.LocalName == "rect"))];
        Assert.Equal(0.6, shades[0].Number("fill-opacity"), 3);
        Assert.Equal(0.8, shades[1].Number("fill-opacity"), 3);
        Assert.Equal(1.0, shades[4].Number("fill-opacity"), 3);
        Assert.Equal(["good", "bad", "bad", "bad", "good"], shades.Take(5).Select(shade => shade.Classes()[0]));
        Assert.Equal("a taken for b<: 16 of 25", cells[1].Elements().First().Value);
        Assert.Equal(["9", "16", "4"], cells.SelectMany(cell => cell.Elements()).Where(e => e.Name.LocalName == "text").Select(e => e.Value));

        // Rows run down, columns to the right, all cells alike.
        Assert.Equal(shades[0].Number("y"), shades[1].Number("y"));
        Assert.Equal(shades[0].Number("x"), shades[3].Number("x"));
        Assert.Equal(shades[4].Number("x") - shades[3].Number("x"), shades[6].Number("y") - shades[3].Number("y"), 0.02);
    }

    [Fact]
    public void A_hundred_classes_stay_small_and_more_are_refused()
    {
        var matrix = new ConfusionMatrix(100);
        var random = new Random(2);
        for (int i = 0; i < 100_000; i++)
            matrix.Add(random.Next(100), random.Next(100));

        string svg = new HeatMap(matrix, []).ToSvg();

        Assert.InRange(Encoding.UTF8.GetByteCount(svg), 1, 250_000);
        int drawn = SvgReading.Parse(svg).Descendants().Where(e => e.Attribute("fill-opacity") is not null)
            .Sum(path => path.Attribute("d")!.Value.Count(c => c == 'M'));
        int occupied = Enumerable.Range(0, 10_000).Count(i => matrix[i / 100, i % 100] > 0);
        Assert.Equal(occupied, drawn);
        Assert.Throws<ArgumentException>(() => new HeatMap(new ConfusionMatrix(101), []).ToSvg());
    }
}
