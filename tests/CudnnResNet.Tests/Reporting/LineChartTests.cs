using System.Globalization;
using System.Xml.Linq;
using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class LineChartTests
{
    // Paths have tenths of a pixel, so a coordinate is off by up to half of one.
    private const double Tenth = 0.051;

    [Fact]
    public void Points_land_where_the_plot_and_the_data_say()
    {
        double[] x = [0, 5, 10];
        double[] y = [0, 1, 0.25];
        XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, y)]).ToSvg());

        XElement plot = svg.Elements("rect", "plot").Single();
        double left = plot.Number("x");
        double top = plot.Number("y");
        double width = plot.Number("width");
        double height = plot.Number("height");
        List<(double X, double Y)> points = svg.Elements("path", "curve").First().Parts().Single();
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(left + (width * x[i] / 10), points[i].X, Tenth);
            Assert.Equal(top + (height * (1 - y[i])), points[i].Y, Tenth);
        }
    }

    [Theory]
    [InlineData(0, 10, 0, 1)]
    [InlineData(1, 2480, 0.031, 2.43)]
    [InlineData(1, 100_000, 1e-7, 1e-6)]
    [InlineData(3, 20, -250_000, 1_300_000)]
    [InlineData(1, 8, 61.7, 93.2)]
    public void A_label_stands_at_the_height_of_its_value(double xLow, double xHigh, double yLow, double yHigh)
    {
        double[] x = [xLow, xHigh];
        double[] y = [yLow, yHigh];
        XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, y)]).ToSvg());
        List<(double X, double Y)> points = svg.Elements("path", "curve").First().Parts().Single();

        // Labels are placed by their baseline, 3.5 below the middle of the digits.
        List<XElement> labels = [.. svg.Elements("text", "ytick")];
        Assert.InRange(labels.Count, 3, 11);
        foreach (XElement label in labels)
        {
            double expected = points[0].Y + ((Value(label) - yLow) / (yHigh - yLow) * (points[1].Y - points[0].Y));
            Assert.Equal(expected, label.Number("y") - 3.5, 0.2);
        }

        List<XElement> xLabels = [.. svg.Elements("text", "xtick")];
        Assert.InRange(xLabels.Count, 2, 11);
        foreach (XElement label in xLabels)
            Assert.Equal(points[0].X + ((Value(label) - xLow) / (xHigh - xLow) * (points[1].X - points[0].X)), label.Number("x"), 0.2);
    }

    [Fact]
    public void A_value_that_is_not_finite_interrupts_the_curve()
    {
        double[] x = [1, 2, 3, 4, 5, 6];
        double[] y = [1, 2, double.NaN, 4, double.PositiveInfinity, 6];
        XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, y)]).ToSvg());

        Assert.Equal([2, 1, 1], svg.Elements("path", "curve").First().Parts().Select(part => part.Count));
    }

    [Fact]
    public void Curves_without_a_drawable_point_say_so()
    {
        double[] nothing = [double.NaN];
        Assert.Contains("no values to draw", new LineChart("t", []).ToSvg(), StringComparison.Ordinal);
        Assert.Contains("no values to draw", new LineChart("t", [new("s", nothing, nothing)]).ToSvg(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(1e-9)]
    [InlineData(7e12)]
    public void A_single_point_and_a_constant_are_drawn_inside_the_plot(double value)
    {
        double[] y = [value, value];
        foreach (double[] x in new double[][] { [value, value], [1, 2] })
        {
            XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, y)]).ToSvg());
            XElement plot = svg.Elements("rect", "plot").Single();
            foreach ((double px, double py) in svg.Elements("path", "curve").First().Parts().Single())
            {
                Assert.InRange(px - plot.Number("x"), -Tenth, plot.Number("width") + Tenth);
                Assert.InRange(py - plot.Number("y"), -Tenth, plot.Number("height") + Tenth);
            }
        }
    }

    [Fact]
    public void Marks_carry_their_values_and_the_legend_the_names()
    {
        double[] x = [1, 2];
        double[] y = [50, 62.5];
        XDocument svg = SvgReading.Parse(
            new LineChart("accuracy", [new("test", x, y, 1, LineStyle.Marked)]) { XLabel = "epoch", YUnit = " %" }.ToSvg());

        Assert.Equal(
            ["test, epoch 1: 50 %", "test, epoch 2: 62.5 %"],
            svg.Descendants().Where(e => e.Name.LocalName == "title").Select(e => e.Value));
        Assert.Equal("test", svg.Elements("text", "legend").Single().Value);
    }

    [Fact]
    public void Percent_ends_at_a_hundred()
    {
        double[] x = [1, 2];
        double[] y = [97.3, 99.9];
        XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, y)]) { YAtMost = 100 }.ToSvg());

        Assert.Equal(100, svg.Elements("text", "ytick").Max(Value));
    }

    [Fact]
    public void Whole_axes_have_whole_ticks()
    {
        double[] x = [1, 2, 3];
        XDocument svg = SvgReading.Parse(new LineChart("t", [new("s", x, x)]) { XIsWhole = true }.ToSvg());

        Assert.Equal(["1", "2", "3"], svg.Elements("text", "xtick").Select(label => label.Value));
    }

    private static double Value(XElement label)
    {
        string text = label.Value;
        double unit = text[^1] switch { 'k' => 1e3, 'M' => 1e6, 'G' => 1e9, _ => 1 };
        return unit * double.Parse(unit == 1 ? text : text[..^1], CultureInfo.InvariantCulture);
    }
}
