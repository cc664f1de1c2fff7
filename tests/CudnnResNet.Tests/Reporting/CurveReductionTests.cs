using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class CurveReductionTests
{
    [Fact]
    public void Thinning_keeps_spikes_ends_and_order()
    {
        var random = new Random(5);
        double[] x = [.. Enumerable.Range(0, 100_000).Select(i => (double)i)];
        double[] y = [.. x.Select(_ => random.NextDouble())];
        y[31_415] = 50;
        y[92_653] = -40;

        (double[] keptX, double[] keptY) = CurveReduction.KeepExtremes(x, y, 500);

        Assert.InRange(keptX.Length, 500, 1002);
        Assert.Equal(50, keptY[Array.IndexOf(keptX, 31_415)]);
        Assert.Equal(-40, keptY[Array.IndexOf(keptX, 92_653)]);
        Assert.Equal((x[0], y[0]), (keptX[0], keptY[0]));
        Assert.Equal((x[^1], y[^1]), (keptX[^1], keptY[^1]));
        for (int i = 0; i < keptX.Length; i++)
        {
            Assert.True(i == 0 || keptX[i] > keptX[i - 1]);
            Assert.Equal(y[(int)keptX[i]], keptY[i]);
        }

        // Each of the 500 runs of 200 points keeps its own two extremes.
        for (int bucket = 0; bucket < 500; bucket++)
        {
            IEnumerable<double> kept = keptX.Where(at => (int)at / 200 == bucket).Select(at => y[(int)at]);
            Assert.Equal(y.Skip(200 * bucket).Take(200).Max(), kept.Max());
            Assert.Equal(y.Skip(200 * bucket).Take(200).Min(), kept.Min());
        }
    }

    [Fact]
    public void Thinning_steps_over_values_that_are_not_finite_and_leaves_a_gap_where_nothing_else_is()
    {
        double[] x = [.. Enumerable.Range(0, 400).Select(i => (double)i)];
        double[] y = [.. x.Select(at => at is >= 100 and < 300 || at % 7 == 1 ? double.NaN : at)];

        (double[] keptX, double[] keptY) = CurveReduction.KeepExtremes(x, y, 4);

        Assert.Equal([0, 98, 100, 200, 300, 399], keptX);
        Assert.Equal([0, 98, double.NaN, double.NaN, 300, 399], keptY);
    }

    [Fact]
    public void A_short_curve_stays_as_it_is()
    {
        (double[] x, double[] y) = CurveReduction.KeepExtremes([1, 2, 3, 4], [5, double.NaN, 7, 6], 2);

        Assert.Equal([1, 2, 3, 4], x);
        Assert.Equal([5, double.NaN, 7, 6], y);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 1)]
    [InlineData(10, 5)]
    [InlineData(97, 9)]
    [InlineData(3, 9)]
    [InlineData(20, 1000)]
    [InlineData(0, 3)]
    public void A_centred_mean_is_the_mean_of_its_neighbourhood(int length, int window)
    {
        var random = new Random(length);
        double[] y = [.. Enumerable.Range(0, length).Select(_ => random.Next(10) == 0 ? double.NaN : random.NextDouble())];

        double[] means = CurveReduction.CentredMean(y, window);

        Assert.Equal(length, means.Length);
        for (int i = 0; i < length; i++)
        {
            double[] near = [.. y.Where((value, j) => Math.Abs(i - j) <= window / 2 && double.IsFinite(value))];
            Assert.Equal(near.Length == 0 ? double.NaN : near.Average(), means[i], 12);
        }
    }

    [Fact]
    public void A_spike_that_has_passed_leaves_no_trace_in_the_mean()
    {
        double[] y = [1, 1, 1e30, 1, 1, 1, 1, 1];

        double[] means = CurveReduction.CentredMean(y, 3);

        Assert.Equal([1, 1, 1, 1], means[4..]);
    }
}
