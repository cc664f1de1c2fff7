namespace CudnnResNet.Reporting;

/// <summary>
/// A confusion matrix as SVG: rows are true classes, columns predicted ones. A cell's shade is its share of its row, on
/// a square-root scale so that rare confusions remain visible; hits and confusions have different hues, and up to 24
/// classes have their counts written in.
/// </summary>
public sealed record HeatMap(ConfusionMatrix Matrix, IReadOnlyList<string> ClassNames)
{
    /// <summary>More classes are cells of less than five pixels: such a matrix is refused.</summary>
    public const int MostClasses = 100;

    private const int MostClassesWithCounts = 24;
    private const int MostLabelled = 40;
    private const double Width = 560;
    private const double TopMargin = 30;
    private const double RightMargin = 4;
    private const double LargestCell = 84;

    // Column labels stand at 45 degrees.
    private const double Slant = 0.71;

    // Only shades that can be told apart; with many classes, one path for each keeps the drawing small.
    private const int Shades = 20;

    /// <summary>The matrix as an SVG document of its own.</summary>
    public string ToSvg()
    {
        var svg = new Markup();
        AppendTo(svg, standAlone: true);
        return svg.ToString();
    }

    internal void AppendTo(Markup svg, bool standAlone = false)
    {
        int classes = Matrix.Classes;
        if (classes > MostClasses)
            throw new ArgumentException($"a heat map of {classes} classes cannot be read; the most is {MostClasses}.");

        bool labelled = classes <= MostLabelled;
        double labelWidth = labelled ? 16 + (6.2 * LongestLabel()) : 14;
        double cell = Math.Min(LargestCell, (Width - labelWidth - RightMargin) / classes);
        double size = cell * classes;
        ChartStyle.OpenSvg(svg, Width, TopMargin + size + (Slant * labelWidth) + 8, "confusion matrix", standAlone);
        svg.Add($"<text class=\"title\" x=\"2\" y=\"15\">confusion matrix</text>\n");
        svg.Add($"<text class=\"ink\" x=\"{Width - RightMargin}\" y=\"15\" text-anchor=\"end\">rows true, columns predicted</text>\n");
        svg.Add($"<g transform=\"translate({labelWidth},{TopMargin})\">\n");
        if (classes <= MostClassesWithCounts)
            AppendCells(svg, cell);
        else
            AppendShades(svg, cell);
        svg.Add($"<rect class=\"axis\" width=\"{size}\" height=\"{size}\"/>\n");
        if (labelled)
            AppendLabels(svg, cell, size);
        svg.Add($"</g>\n</svg>\n");
    }

    private void AppendCells(Markup svg, double cell)
    {
        double gap = cell > 12 ? 1.5 : 0.5;
        double fontSize = Math.Clamp(cell / 3.1, 6, 13);
        for (int row = 0; row < Matrix.Classes; row++)
        {
            for (int column = 0; column < Matrix.Classes; column++)
            {
                int count = Matrix[row, column];
                double shade = Shade(row, column);
                svg.Add($"<g><title>{Name(row)} taken for {Name(column)}: {count} of {Matrix.TrueTotal(row)}</title>");
                svg.Add($"<rect class=\"{(row == column ? "good" : "bad")}\" fill-opacity=\"{Math.Max(0.03, shade):0.###}\" ");
                svg.Add($"x=\"{(column * cell) + (gap / 2)}\" y=\"{(row * cell) + (gap / 2)}\" width=\"{cell - gap}\" height=\"{cell - gap}\" rx=\"2\"/>");
                if (count > 0)
                {
                    svg.Add($"<text class=\"{(shade > 0.6 ? "onfill" : "ink")}\" style=\"font-size:{fontSize:0.#}px\" text-anchor=\"middle\" ");
                    svg.Add($"x=\"{(column + 0.5) * cell}\" y=\"{((row + 0.5) * cell) + (fontSize * 0.36)}\">{count}</text>");
                }

                svg.Add($"</g>\n");
            }
        }
    }

    private void AppendShades(Markup svg, double cell)
    {
        svg.Add($"<g transform=\"scale({cell:0.####})\">\n");
        for (int level = 1; level <= Shades; level++)
        {
            AppendShade(svg, level, diagonal: true);
            AppendShade(svg, level, diagonal: false);
        }

        svg.Add($"</g>\n");
    }

    private void AppendShade(Markup svg, int level, bool diagonal)
    {
        bool open = false;
        for (int row = 0; row < Matrix.Classes; row++)
        {
            for (int column = 0; column < Matrix.Classes; column++)
            {
                if ((row == column) != diagonal || (int)Math.Ceiling(Shade(row, column) * Shades) != level)
                    continue;
                if (!open)
                    svg.Add($"<path class=\"{(diagonal ? "good" : "bad")}\" fill-opacity=\"{(double)level / Shades}\" d=\"");
                open = true;
                svg.Add($"M{column},{row}h1v1h-1z");
            }
        }

        if (open)
            svg.Add($"\"/>\n");
    }

    private void AppendLabels(Markup svg, double cell, double size)
    {
        double fontSize = Math.Clamp(cell, 7, 11);
        for (int k = 0; k < Matrix.Classes; k++)
        {
            double middle = (k + 0.5) * cell;
            svg.Add($"<text class=\"ink\" style=\"font-size:{fontSize:0.#}px\" x=\"-7\" y=\"{middle + 3.5}\" text-anchor=\"end\">{Label(k)}</text>");
            svg.Add($"<text class=\"ink\" style=\"font-size:{fontSize:0.#}px\" text-anchor=\"end\" ");
            svg.Add($"transform=\"translate({middle + 3},{size + 10}) rotate(-45)\">{Label(k)}</text>\n");
        }
    }

    private double Shade(int row, int column)
    {
        long total = Matrix.TrueTotal(row);
        return total == 0 ? 0 : Math.Sqrt((double)Matrix[row, column] / total);
    }

    private string Name(int k) => k < ClassNames.Count ? ClassNames[k] : $"class {k}";

    private string Label(int k) => Name(k) is { Length: > 14 } name ? string.Concat(name.AsSpan(0, 13), "…") : Name(k);

    private int LongestLabel()
    {
        int longest = 0;
        for (int k = 0; k < Matrix.Classes; k++)
            longest = Math.Max(longest, Label(k).Length);
        return longest;
    }
}
