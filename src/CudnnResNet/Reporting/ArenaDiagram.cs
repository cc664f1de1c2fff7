namespace CudnnResNet.Reporting;

/// <summary>
/// A value's place in an arena: bytes [<paramref name="OffsetBytes"/>, + <paramref name="Bytes"/>) during the steps
/// <paramref name="FirstStep"/> to <paramref name="LastStep"/>, both included. <paramref name="Kind"/> gives the colour.
/// </summary>
public sealed record ArenaRectangle(string Name, string Kind, int FirstStep, int LastStep, long OffsetBytes, long Bytes);

/// <summary>A part of the program that begins at <paramref name="FirstStep"/>, such as "backward".</summary>
public sealed record ArenaPhase(string Name, int FirstStep);

/// <summary>
/// A planned memory arena over one run of the program, as SVG: time in instructions to the right, byte offset upwards,
/// one rectangle per value; lines for the peak, for the lower bound (the largest live set) and for the bytes that live
/// at each instruction. The air between that curve and the peak is what fragmentation and reuse leave unused.
/// </summary>
public sealed record ArenaDiagram(string Title, IReadOnlyList<ArenaRectangle> Rectangles, long PeakBytes, long LowerBoundBytes)
{
    private const double TopMargin = 52;
    private const double BottomMargin = 30;
    private const double RightMargin = 104;

    // A name costs as many bytes as its rectangle; small rectangles cannot be pointed at anyway.
    private const int MostNamed = 1200;

    public double Width { get; init; } = 1080;

    public double Height { get; init; } = 420;

    public IReadOnlyList<ArenaPhase> Phases { get; init; } = [];

    /// <summary>The diagram as an SVG document of its own.</summary>
    public string ToSvg()
    {
        var svg = new Markup();
        AppendTo(svg, standAlone: true);
        return svg.ToString();
    }

    internal void AppendTo(Markup svg, bool standAlone = false)
    {
        var scale = new ArenaScale(this, TopMargin, BottomMargin, RightMargin);
        List<string> kinds = Kinds();
        ChartStyle.OpenSvg(svg, Width, Height, Title, standAlone);
        svg.Add($"<text class=\"title\" x=\"2\" y=\"15\">{Title}</text>\n");
        AppendGrid(svg, scale);
        for (int kind = 0; kind < kinds.Count; kind++)
            AppendKind(svg, scale, kinds[kind], kind, AreaOfSmallestNamed(scale));
        AppendPhases(svg, scale);
        AppendLiveBytes(svg, scale);
        AppendBounds(svg, scale);
        AppendLegend(svg, scale.Left, kinds);
        svg.Add($"</svg>\n");
    }

    private static void AppendGrid(Markup svg, ArenaScale scale)
    {
        for (int i = 0; i < scale.YTicks.Count; i++)
        {
            double y = scale.Y(scale.YTicks[i]);
            svg.Add($"<path class=\"{(i == 0 ? "axis" : "grid")}\" d=\"M{scale.Left},{y}H{scale.Right}\"/>");
            svg.Add($"<text x=\"{scale.Left - 7}\" y=\"{y + 3.5}\" text-anchor=\"end\">{scale.YTicks.Label(i)}</text>\n");
        }

        for (int i = 0; i < scale.XTicks.Count; i++)
        {
            double x = scale.X(scale.XTicks[i]);
            svg.Add($"<path class=\"axis\" d=\"M{x},{scale.Bottom}v4\"/>");
            svg.Add($"<text x=\"{x}\" y=\"{scale.Bottom + 17}\" text-anchor=\"middle\">{scale.XTicks.Label(i)}</text>\n");
        }

        svg.Add($"<text x=\"{scale.Right + 10}\" y=\"{scale.Bottom + 17}\">instruction</text>\n");
    }

    private void AppendKind(Markup svg, ArenaScale scale, string kind, int index, double leastNamedArea)
    {
        svg.Add($"<g class=\"f{index % ChartStyle.Colours}\" fill-opacity=\".72\">\n");
        foreach (ArenaRectangle value in Rectangles)
        {
            if (value.Kind != kind)
                continue;
            (double width, double height) = scale.Size(value);
            // Air between neighbours, where there is room for it.
            double gap = width > 3 && height > 3 ? 0.6 : 0;
            svg.Add($"<rect x=\"{scale.X(value.FirstStep)}\" y=\"{scale.Y(value.OffsetBytes + value.Bytes)}\" width=\"{width - gap}\" height=\"{height - gap}\"");
            if (width * height < leastNamedArea)
                svg.Add($"/>\n");
            else
                svg.Add($"><title>{value.Name}: {kind}, {ByteSizes.Format(value.Bytes)} at {value.OffsetBytes}, instructions {value.FirstStep} to {value.LastStep}</title></rect>\n");
        }

        svg.Add($"</g>\n");
    }

    private void AppendPhases(Markup svg, ArenaScale scale)
    {
        foreach (ArenaPhase phase in Phases)
        {
            double x = scale.X(phase.FirstStep);
            svg.Add($"<path class=\"axis\" stroke-dasharray=\"2 3\" d=\"M{x},{scale.Bottom}V{TopMargin - 6}\"/>");
            svg.Add($"<text class=\"ink phase\" x=\"{x + 4}\" y=\"{TopMargin + 3}\">{phase.Name}</text>\n");
        }
    }

    private void AppendLiveBytes(Markup svg, ArenaScale scale)
    {
        long[] change = new long[scale.Steps + 1];
        foreach (ArenaRectangle value in Rectangles)
        {
            change[value.FirstStep] += value.Bytes;
            change[value.LastStep + 1] -= value.Bytes;
        }

        long live = 0;
        svg.Add($"<path class=\"curve live\" style=\"stroke:var(--ink);stroke-width:1\" d=\"M{scale.Left},{scale.Bottom}");
        for (int step = 0; step < scale.Steps; step++)
        {
            live += change[step];
            if (change[step] != 0)
                svg.Add($"V{scale.Y(live):0.#}");
            svg.Add($"H{scale.X(step + 1):0.#}");
        }

        svg.Add($"\"/>\n");
    }

    // Values at the right end; the two stay a line of text apart however near their lines lie.
    private void AppendBounds(Markup svg, ArenaScale scale)
    {
        double peak = scale.Y(PeakBytes);
        double bound = scale.Y(LowerBoundBytes);
        double middle = (peak + bound) / 2;
        double apart = Math.Max(bound - peak, 30);
        svg.Add($"<path class=\"curve s4 peak\" style=\"stroke-width:1.5\" d=\"M{scale.Left},{peak}H{scale.Right}\"/>");
        svg.Add($"<path class=\"curve s4 dashed bound\" style=\"stroke-width:1.5\" d=\"M{scale.Left},{bound}H{scale.Right}\"/>\n");
        AppendBound(svg, scale.Right, middle - (apart / 2), "peak", PeakBytes);
        AppendBound(svg, scale.Right, middle + (apart / 2), "lower bound", LowerBoundBytes);
    }

    private static void AppendBound(Markup svg, double x, double y, string name, long bytes)
    {
        svg.Add($"<text class=\"ink\" x=\"{x + 10}\" y=\"{y - 1}\">{name}</text>");
        svg.Add($"<text x=\"{x + 10}\" y=\"{y + 12}\">{ByteSizes.Format(bytes)}</text>\n");
    }

    // From the left under the title; widths of text are estimates, so entries get some air.
    private static void AppendLegend(Markup svg, double left, List<string> kinds)
    {
        double x = left;
        for (int kind = 0; kind < kinds.Count; kind++)
        {
            svg.Add($"<rect class=\"f{kind % ChartStyle.Colours}\" fill-opacity=\".72\" x=\"{x}\" y=\"24\" width=\"10\" height=\"10\" rx=\"2\"/>");
            svg.Add($"<text class=\"ink\" x=\"{x + 15}\" y=\"33\">{kinds[kind]}</text>\n");
            x += 37 + (6.1 * kinds[kind].Length);
        }

        svg.Add($"<path d=\"M{x},29.5h16\" style=\"stroke:var(--ink)\"/><text class=\"ink\" x=\"{x + 21}\" y=\"33\">live bytes</text>\n");
    }

    private List<string> Kinds()
    {
        List<string> kinds = [];
        foreach (ArenaRectangle value in Rectangles)
        {
            if (!kinds.Contains(value.Kind))
                kinds.Add(value.Kind);
        }

        return kinds;
    }

    private double AreaOfSmallestNamed(ArenaScale scale)
    {
        if (Rectangles.Count <= MostNamed)
            return 0;
        double[] areas = new double[Rectangles.Count];
        for (int i = 0; i < areas.Length; i++)
        {
            (double width, double height) = scale.Size(Rectangles[i]);
            areas[i] = width * height;
        }

        Array.Sort(areas);
        return areas[^MostNamed];
    }
}
