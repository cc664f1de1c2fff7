namespace CudnnResNet.Reporting;

/// <summary>The report's view of the classes: confusion matrix, precision and recall, and the worst confusions.</summary>
internal static class ClassSection
{
    private const int MostRows = 24;
    private const int RowsOfMany = 14;
    private const int MostPairs = 8;

    internal static void AppendTo(Markup html, ReportContents contents)
    {
        if (contents.Confusion is not { } matrix)
            return;
        html.Add($"<section class=\"classes\">\n");
        if (matrix.Classes <= HeatMap.MostClasses)
        {
            html.Add($"<figure class=\"card\">\n");
            new HeatMap(matrix, contents.ClassNames).AppendTo(html);
            html.Add($"</figure>\n");
        }

        html.Add($"<div class=\"card\">\n");
        AppendClasses(html, matrix, contents.ClassNames);
        AppendPairs(html, matrix, contents.ClassNames);
        html.Add($"</div>\n</section>\n");
    }

    internal static string NameOf(IReadOnlyList<string> names, int k) => k >= 0 && k < names.Count ? names[k] : $"class {k}";

    private static void AppendClasses(Markup html, ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        int[] shown = new int[matrix.Classes];
        for (int k = 0; k < shown.Length; k++)
            shown[k] = k;
        bool all = shown.Length <= MostRows;
        if (!all)
        {
            // NaN sorts first: classes without images go last instead.
            Array.Sort(shown, (a, b) => Rank(matrix, a).CompareTo(Rank(matrix, b)));
            shown = shown[..RowsOfMany];
        }

        html.Add($"<h2>{(all ? "classes" : $"the {RowsOfMany} classes of lowest recall")}</h2>\n<table class=\"numbers\">\n");
        html.Add($"<thead><tr><th>class</th><th>images</th><th>precision</th><th>recall</th><th>F1</th></tr></thead>\n<tbody>\n");
        foreach (int k in shown)
        {
            html.Add($"<tr><th>{NameOf(names, k)}</th><td>{matrix.TrueTotal(k)}</td><td>{Percent(matrix.Precision(k))}</td>");
            html.Add($"<td>{Percent(matrix.Recall(k))}</td><td>{Percent(matrix.F1(k))}</td></tr>\n");
        }

        html.Add($"</tbody>\n<tfoot><tr><th>accuracy</th><td>{matrix.Total}</td><td colspan=\"3\">{Percent(matrix.Accuracy)}</td></tr></tfoot>\n</table>\n");
    }

    private static void AppendPairs(Markup html, ConfusionMatrix matrix, IReadOnlyList<string> names)
    {
        List<(int Count, int Truth, int Predicted)> pairs = [];
        for (int truth = 0; truth < matrix.Classes; truth++)
        {
            for (int predicted = 0; predicted < matrix.Classes; predicted++)
            {
                if (truth != predicted && matrix[truth, predicted] > 0)
                    pairs.Add((matrix[truth, predicted], truth, predicted));
            }
        }

        if (pairs.Count == 0)
            return;
        pairs.Sort((a, b) => (-a.Count, a.Truth, a.Predicted).CompareTo((-b.Count, b.Truth, b.Predicted)));
        html.Add($"<h2>most frequent confusions</h2>\n<table class=\"numbers pairs\">\n<tbody>\n");
        for (int i = 0; i < Math.Min(MostPairs, pairs.Count); i++)
        {
            (int count, int truth, int predicted) = pairs[i];
            html.Add($"<tr><th>{NameOf(names, truth)} taken for {NameOf(names, predicted)}</th><td>{count}</td></tr>\n");
        }

        html.Add($"</tbody>\n</table>\n");
    }

    private static double Rank(ConfusionMatrix matrix, int k) =>
        matrix.TrueTotal(k) == 0 ? double.PositiveInfinity : matrix.Recall(k);

    private static string Percent(double fraction) => double.IsNaN(fraction)
        ? "–"
        : (100 * fraction).ToString("0.0", System.Globalization.CultureInfo.InvariantCulture) + " %";
}
