namespace CudnnResNet.Reporting;

/// <summary>How a series is drawn: as noise in the background, as a line, as a line with a mark at each point, or broken.</summary>
public enum LineStyle
{
    Thin,
    Line,
    Marked,
    Dashed,
}

/// <summary>One curve. A y that is not finite interrupts it.</summary>
/// <param name="Colour">Index into the palette; series that belong together may share one.</param>
public sealed record LineSeries(
    string Name,
    ReadOnlyMemory<double> X,
    ReadOnlyMemory<double> Y,
    int Colour = 0,
    LineStyle Style = LineStyle.Line);

/// <summary>Curves over one pair of axes with round ticks, a grid and a legend, as SVG.</summary>
public sealed record LineChart(string Title, IReadOnlyList<LineSeries> Series)
{
    // Beyond this many points marks would run into one another.
    private const int MostMarks = 60;

    /// <summary>Of the drawing, in its own units; it is scaled to the width of its place.</summary>
    public double Width { get; init; } = 520;

    public double Height { get; init; } = 260;

    /// <summary>What x counts, written at the end of its axis.</summary>
    public string XLabel { get; init; } = "";

    /// <summary>Follows the labels of the y ticks, such as " %".</summary>
    public string YUnit { get; init; } = "";

    /// <summary>Whether the y axis begins at zero even where no value is near it.</summary>
    public bool YFromZero { get; init; }

    /// <summary>The y axis ends here even if the ticks would go on, such as 100 for percent.</summary>
    public double YAtMost { get; init; } = double.PositiveInfinity;

    /// <summary>Whether x has whole numbers only (epochs), and so have its ticks.</summary>
    public bool XIsWhole { get; init; }

    /// <summary>Whether named series are listed beside the title.</summary>
    public bool HasLegend { get; init; } = true;

    /// <summary>Most points drawn of each curve; longer ones are thinned, extremes kept.</summary>
    public int MostPoints { get; init; } = 1600;

    /// <summary>The chart as an SVG document of its own.</summary>
    public string ToSvg()
    {
        var svg = new Markup();
        AppendTo(svg, standAlone: true);
        return svg.ToString();
    }

    internal void AppendTo(Markup svg, bool standAlone = false)
    {
        ChartStyle.OpenSvg(svg, Width, Height, Title, standAlone);
        svg.Add($"<text class=\"title\" x=\"2\" y=\"15\">{Title}</text>\n");
        if (ChartAxes.Of(this) is { } axes)
        {
            AppendGrid(svg, axes);
            foreach (LineSeries series in Series)
                AppendSeries(svg, axes, series);
            if (HasLegend)
                AppendLegend(svg);
        }
        else
        {
            svg.Add($"<text x=\"{Width / 2}\" y=\"{Height / 2}\" text-anchor=\"middle\">no values to draw</text>\n");
        }

        svg.Add($"</svg>\n");
    }

    private void AppendGrid(Markup svg, ChartAxes axes)
    {
        svg.Add($"<rect class=\"back plot\" x=\"{axes.Left}\" y=\"{axes.Top}\" width=\"{axes.PlotWidth}\" height=\"{axes.PlotHeight}\"/>\n");
        for (int i = 0; i < axes.YTicks.Count; i++)
        {
            double y = axes.Y(axes.YTicks[i]);
            svg.Add($"<path class=\"{(i == 0 ? "axis" : "grid")}\" d=\"M{axes.Left},{y}h{axes.PlotWidth}\"/>");
            svg.Add($"<text class=\"ytick\" x=\"{axes.Left - 7}\" y=\"{y + 3.5}\" text-anchor=\"end\">{axes.YTicks.Label(i)}{YUnit}</text>\n");
        }

        double nameBegins = axes.Right - (6.5 * XLabel.Length) - 14;
        string name = XLabel;
        for (int i = 0; i < axes.XTicks.Count; i++)
        {
            double x = axes.X(axes.XTicks[i]);
            svg.Add($"<path class=\"axis\" d=\"M{x},{axes.Bottom}v4\"/>");
            // A tick where the axis' name stands has its label there too: "epoch 20".
            if (XLabel.Length > 0 && x >= nameBegins)
                name = $"{XLabel} {axes.XTicks.Label(i)}";
            else
                svg.Add($"<text class=\"xtick\" x=\"{x}\" y=\"{axes.Bottom + 17}\" text-anchor=\"middle\">{axes.XTicks.Label(i)}</text>\n");
        }

        svg.Add($"<text x=\"{axes.Right}\" y=\"{axes.Bottom + 17}\" text-anchor=\"end\">{name}</text>\n");
    }

    private void AppendSeries(Markup svg, ChartAxes axes, LineSeries series)
    {
        (double[] xs, double[] ys) = CurveReduction.KeepExtremes(series.X.Span, series.Y.Span, Math.Max(1, MostPoints / 2));
        string look = series.Style switch { LineStyle.Thin => " thin", LineStyle.Dashed => " dashed", _ => "" };
        svg.Add($"<path class=\"curve s{series.Colour % ChartStyle.Colours}{look}\" d=\"");
        bool penDown = false;
        for (int i = 0; i < xs.Length; i++)
        {
            bool drawn = double.IsFinite(xs[i]) && double.IsFinite(ys[i]);
            // A lone point is a line of no length, which a round cap shows as a dot.
            if (drawn)
                svg.Add($"{(penDown ? "L" : "M")}{axes.X(xs[i]):0.#},{axes.Y(ys[i]):0.#}{(penDown ? "" : "h0")}");
            penDown = drawn;
        }

        svg.Add($"\"/>\n");
        if (series.Style == LineStyle.Marked && xs.Length <= MostMarks)
            AppendMarks(svg, axes, series, xs, ys);
    }

    private void AppendMarks(Markup svg, ChartAxes axes, LineSeries series, double[] xs, double[] ys)
    {
        for (int i = 0; i < xs.Length; i++)
        {
            if (!double.IsFinite(xs[i]) || !double.IsFinite(ys[i]))
                continue;
            svg.Add($"<circle class=\"f{series.Colour % ChartStyle.Colours}\" cx=\"{axes.X(xs[i])}\" cy=\"{axes.Y(ys[i])}\" r=\"3\">");
            svg.Add($"<title>{series.Name}, {XLabel} {xs[i]:0.###}: {ys[i]:0.####}{YUnit}</title></circle>\n");
        }
    }

    // Right-aligned on the title's line; one entry per named series, last first because their widths are estimates.
    private void AppendLegend(Markup svg)
    {
        double x = Width - 10;
        for (int i = Series.Count - 1; i >= 0; i--)
        {
            LineSeries series = Series[i];
            if (series.Name.Length == 0)
                continue;
            svg.Add($"<text class=\"ink legend\" x=\"{x}\" y=\"15\" text-anchor=\"end\">{series.Name}</text>");
            x -= (6.1 * series.Name.Length) + 8;
            string look = series.Style switch { LineStyle.Thin => " thin", LineStyle.Dashed => " dashed", _ => "" };
            svg.Add($"<path class=\"curve s{series.Colour % ChartStyle.Colours}{look}\" d=\"M{x - 16},11.5h16\"/>\n");
            x -= 32;
        }
    }
}
