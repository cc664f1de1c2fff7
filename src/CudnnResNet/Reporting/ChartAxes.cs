namespace CudnnResNet.Reporting;

/// <summary>Where a line chart's plot lies and how its values map onto it.</summary>
internal sealed class ChartAxes
{
    private const double TopMargin = 32;
    private const double BottomMargin = 26;
    private const double RightMargin = 10;

    private readonly double _xLow;
    private readonly double _xHigh;
    private readonly double _yLow;
    private readonly double _yHigh;

    private ChartAxes(LineChart chart, (double Low, double High) x, (double Low, double High) y)
    {
        YTicks = AxisTicks.Around(y.Low, y.High, about: 5);
        if (YTicks.Last > chart.YAtMost && y.High <= chart.YAtMost)
            YTicks = AxisTicks.Inside(YTicks.First, chart.YAtMost, about: 5);
        (_yLow, _yHigh) = (YTicks.First, Math.Max(YTicks.Last, y.High));
        (_xLow, _xHigh) = x;
        double about = chart.XIsWhole ? Math.Clamp(x.High - x.Low, 1, 8) : 7;
        XTicks = AxisTicks.Inside(x.Low, x.High, (int)about);

        int widest = 0;
        for (int i = 0; i < YTicks.Count; i++)
            widest = Math.Max(widest, YTicks.Label(i).Length + chart.YUnit.Length);
        Left = 12 + (6.3 * widest);
        Top = TopMargin;
        PlotWidth = Math.Max(1, chart.Width - RightMargin - Left);
        PlotHeight = Math.Max(1, chart.Height - BottomMargin - TopMargin);
    }

    internal AxisTicks XTicks { get; }

    internal AxisTicks YTicks { get; }

    internal double Left { get; }

    internal double Top { get; }

    internal double PlotWidth { get; }

    internal double PlotHeight { get; }

    internal double Right => Left + PlotWidth;

    internal double Bottom => Top + PlotHeight;

    internal double X(double value) => Left + ((value - _xLow) / (_xHigh - _xLow) * PlotWidth);

    internal double Y(double value) => Bottom - ((value - _yLow) / (_yHigh - _yLow) * PlotHeight);

    /// <summary>Axes that hold every finite point of the chart; null where there is none.</summary>
    internal static ChartAxes? Of(LineChart chart)
    {
        (double Low, double High) x = (double.PositiveInfinity, double.NegativeInfinity);
        (double Low, double High) y = x;
        foreach (LineSeries series in chart.Series)
        {
            ReadOnlySpan<double> xs = series.X.Span;
            ReadOnlySpan<double> ys = series.Y.Span;
            if (xs.Length != ys.Length)
                throw new ArgumentException($"series '{series.Name}' has {xs.Length} x and {ys.Length} y values.", nameof(chart));
            for (int i = 0; i < xs.Length; i++)
            {
                if (!double.IsFinite(xs[i]) || !double.IsFinite(ys[i]))
                    continue;
                x = (Math.Min(x.Low, xs[i]), Math.Max(x.High, xs[i]));
                y = (Math.Min(y.Low, ys[i]), Math.Max(y.High, ys[i]));
            }
        }

        if (x.Low > x.High)
            return null;
        if (chart.YFromZero)
            y = (Math.Min(0, y.Low), Math.Max(0, y.High));
        return new ChartAxes(chart, Widened(x), Widened(y));
    }

    // A single value, or a constant curve, still needs a range to be drawn in.
    private static (double Low, double High) Widened((double Low, double High) range)
    {
        double least = Math.Max(Math.Abs(range.High), Math.Abs(range.Low)) * 1e-6;
        if (range.High - range.Low > least)
            return range;
        double half = range.High == 0 ? 0.5 : Math.Abs(range.High) / 2;
        return (range.Low - half, range.High + half);
    }
}
