namespace CudnnResNet.Cli;

/// <summary>The distribution of a duration in milliseconds; percentiles by the nearest rank.</summary>
internal sealed record Latency(double Min, double Mean, double P50, double P90, double P95, double P99, double Max)
{
    public static Latency Of(IReadOnlyList<double> milliseconds)
    {
        double[] sorted = [.. milliseconds.Order()];
        double Percentile(double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
        return new Latency(sorted[0], sorted.Average(), Percentile(0.5), Percentile(0.9), Percentile(0.95),
            Percentile(0.99), sorted[^1]);
    }
}
