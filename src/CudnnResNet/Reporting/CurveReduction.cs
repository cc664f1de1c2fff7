namespace CudnnResNet.Reporting;

/// <summary>Makes long, noisy curves drawable without hiding what matters in them.</summary>
public static class CurveReduction
{
    /// <summary>
    /// Thins a curve to about two points for each of <paramref name="buckets"/> equal runs of points: the lowest and the
    /// highest, in their order, so that no spike is lost. The first and last points stay; points that are not finite
    /// survive only where a whole run has no other, as one gap. Shorter curves come back as they are.
    /// </summary>
    public static (double[] X, double[] Y) KeepExtremes(ReadOnlySpan<double> x, ReadOnlySpan<double> y, int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        if (x.Length != y.Length)
            throw new ArgumentException($"{x.Length} x and {y.Length} y values are not one curve.", nameof(y));
        if (x.Length <= 2 * buckets)
            return (x.ToArray(), y.ToArray());

        List<int> kept = [0];
        for (int bucket = 0; bucket < buckets; bucket++)
        {
            int begin = (int)((long)bucket * x.Length / buckets);
            int end = (int)((long)(bucket + 1) * x.Length / buckets);
            (int lowest, int highest) = Extremes(y, begin, end);
            Keep(kept, Math.Min(lowest, highest));
            Keep(kept, Math.Max(lowest, highest));
        }

        Keep(kept, x.Length - 1);

        double[] keptX = new double[kept.Count];
        double[] keptY = new double[kept.Count];
        for (int i = 0; i < kept.Count; i++)
        {
            keptX[i] = x[kept[i]];
            keptY[i] = y[kept[i]];
        }

        return (keptX, keptY);
    }

    /// <summary>
    /// The mean over <paramref name="window"/> points around each point, fewer at the ends; it does not lag behind the
    /// curve as a running mean would. Values that are not finite are left out; where all are, so is the mean.
    /// </summary>
    public static double[] CentredMean(ReadOnlySpan<double> values, int window)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(window);
        int half = Math.Min(window / 2, values.Length);
        int width = (2 * half) + 1;
        // Sums from each block's two ends: a window is the end of one block and the beginning of the next. A running
        // sum would lose everything else once a diverging loss of 1e30 had passed through it.
        var fromBegin = new (double Sum, int Count)[values.Length + (2 * half)];
        var fromEnd = new (double Sum, int Count)[fromBegin.Length];
        for (int i = 0; i < fromBegin.Length; i++)
            fromBegin[i] = Plus(values, i - half, i % width == 0 ? default : fromBegin[i - 1]);
        for (int i = fromEnd.Length - 1; i >= 0; i--)
            fromEnd[i] = Plus(values, i - half, i % width == width - 1 || i == fromEnd.Length - 1 ? default : fromEnd[i + 1]);

        double[] means = new double[values.Length];
        for (int i = 0; i < means.Length; i++)
        {
            (double sum, int count) = fromEnd[i];
            if (i % width != 0)
                (sum, count) = (sum + fromBegin[i + width - 1].Sum, count + fromBegin[i + width - 1].Count);
            means[i] = count == 0 ? double.NaN : sum / count;
        }

        return means;
    }

    private static (double Sum, int Count) Plus(ReadOnlySpan<double> values, int index, (double Sum, int Count) sum) =>
        (uint)index < (uint)values.Length && double.IsFinite(values[index])
            ? (sum.Sum + values[index], sum.Count + 1)
            : sum;

    // Where no value is finite, both are the first of the run.
    private static (int Lowest, int Highest) Extremes(ReadOnlySpan<double> y, int begin, int end)
    {
        int lowest = -1;
        int highest = -1;
        for (int i = begin; i < end; i++)
        {
            if (!double.IsFinite(y[i]))
                continue;
            if (lowest < 0 || y[i] < y[lowest])
                lowest = i;
            if (highest < 0 || y[i] > y[highest])
                highest = i;
        }

        return lowest < 0 ? (begin, begin) : (lowest, highest);
    }

    private static void Keep(List<int> kept, int index)
    {
        if (kept[^1] < index)
            kept.Add(index);
    }
}
