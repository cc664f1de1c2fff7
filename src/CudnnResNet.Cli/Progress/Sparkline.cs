namespace CudnnResNet.Cli.Progress;

/// <summary>A curve in one line of text.</summary>
internal static class Sparkline
{
    private const string Bars = "▁▂▃▄▅▆▇█";

    public static string Draw(ReadOnlySpan<double> values)
    {
        (double least, double most) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (double value in values)
            (least, most) = (Math.Min(least, value), Math.Max(most, value));
        char[] line = new char[values.Length];
        for (int i = 0; i < line.Length; i++)
        {
            double height = most > least ? (values[i] - least) / (most - least) : 0;
            line[i] = Bars[(int)Math.Round(height * (Bars.Length - 1))];
        }
        return new string(line);
    }
}
