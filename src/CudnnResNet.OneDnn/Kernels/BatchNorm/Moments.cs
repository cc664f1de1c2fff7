using System.Numerics;
using System.Runtime.CompilerServices;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// Means and centred second moments (sums of squared distances from the mean) and how two sets of observations combine:
/// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
/// </summary>
internal static unsafe class Moments
{
    /// <summary>Takes <paramref name="blockCount"/> observations into <paramref name="count"/> earlier ones, for every channel.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void AddBlock(
        SliceSums sums, nint channels, double count, double blockCount)
    {
        double share = blockCount / (count + blockCount);
        double weight = count * share;
        Vector<double> shares = new(share);
        Vector<double> weights = new(weight);
        nint c = 0;
        for (; c <= channels - Vector<float>.Count; c += Vector<float>.Count)
        {
            Vector.Widen(Vector.Load(sums.BlockFirst + c), out Vector<double> meanLow, out Vector<double> meanHigh);
            Vector.Widen(Vector.Load(sums.BlockSecond + c), out Vector<double> momentLow, out Vector<double> momentHigh);
            Weigh(sums.First + c, sums.Second + c, meanLow, momentLow, shares, weights);
            nint high = c + Vector<double>.Count;
            Weigh(sums.First + high, sums.Second + high, meanHigh, momentHigh, shares, weights);
        }
        for (; c < channels; c++)
            Weigh(ref sums.First[c], ref sums.Second[c], sums.BlockFirst[c], sums.BlockSecond[c], share, weight);
    }

    /// <summary>Takes one channel's moments of <paramref name="otherCount"/> observations into those of <paramref name="count"/>.</summary>
    internal static void Combine(
        ref double mean, ref double moment, double count, double otherMean, double otherMoment, double otherCount)
    {
        double share = otherCount / (count + otherCount);
        Weigh(ref mean, ref moment, otherMean, otherMoment, share, count * share);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh(
        ref double mean, ref double moment, double otherMean, double otherMoment, double share, double weight)
    {
        double distance = otherMean - mean;
        mean += distance * share;
        moment += otherMoment + distance * distance * weight;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Weigh(double* mean, double* moment,
        Vector<double> otherMean, Vector<double> otherMoment, Vector<double> share, Vector<double> weight)
    {
        Vector<double> oldMean = Vector.Load(mean);
        Vector<double> distance = otherMean - oldMean;
        Vector.Store(oldMean + distance * share, mean);
        Vector.Store(Vector.Load(moment) + otherMoment + distance * distance * weight, moment);
    }
}
