namespace CudnnResNet.Reporting;

/// <summary>Maps instructions and byte offsets of an <see cref="ArenaDiagram"/> onto its plot.</summary>
internal sealed class ArenaScale
{
    private readonly double _topBytes;

    internal ArenaScale(ArenaDiagram diagram, double topMargin, double bottomMargin, double rightMargin)
    {
        long top = Math.Max(1, Math.Max(diagram.PeakBytes, diagram.LowerBoundBytes));
        foreach (ArenaRectangle value in diagram.Rectangles)
        {
            if (value.FirstStep < 0 || value.LastStep < value.FirstStep || value.OffsetBytes < 0 || value.Bytes < 0)
                throw new ArgumentException($"the rectangle of '{value.Name}' is not one: {value}.", nameof(diagram));
            Steps = Math.Max(Steps, value.LastStep + 1);
            top = Math.Max(top, value.OffsetBytes + value.Bytes);
        }

        foreach (ArenaPhase phase in diagram.Phases)
            Steps = Math.Max(Steps, phase.FirstStep);
        Steps = Math.Max(1, Steps);
        _topBytes = top;
        Left = 66;
        Top = topMargin + 12;
        Right = diagram.Width - rightMargin;
        Bottom = diagram.Height - bottomMargin;
        YTicks = AxisTicks.Bytes(top, about: 7);
        XTicks = AxisTicks.Inside(0, Steps, Math.Min(Steps, 12));
    }

    /// <summary>Instructions shown, from 0.</summary>
    internal int Steps { get; }

    internal double Left { get; }

    internal double Top { get; }

    internal double Right { get; }

    internal double Bottom { get; }

    internal AxisTicks XTicks { get; }

    internal AxisTicks YTicks { get; }

    internal double X(double step) => Left + (step / Steps * (Right - Left));

    internal double Y(double bytes) => Bottom - (bytes / _topBytes * (Bottom - Top));

    internal (double Width, double Height) Size(ArenaRectangle value) =>
        ((value.LastStep + 1 - value.FirstStep) * (Right - Left) / Steps, value.Bytes / _topBytes * (Bottom - Top));
}
