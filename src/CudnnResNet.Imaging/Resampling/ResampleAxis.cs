namespace CudnnResNet.Imaging.Resampling;

/// <summary>
/// Which source pixels make each pixel along one axis, and with which weights, as fixed-point numbers of 16 bits. After
/// Pillow's precompute_coeffs (libImaging/Resample.c); Pillow's 22 bits are cut to those that fit a SIMD multiplication.
/// </summary>
internal sealed class ResampleAxis
{
    /// <summary>Weights of one pixel are filled up with zeros to a multiple of this.</summary>
    public const int TapGroup = 4;

    /// <summary>Keeps 255 times the sum of the absolute weights of a bicubic filter, at most 1.3, inside 32 bits.</summary>
    private const int MaxPrecisionBits = 22;

    private double[] _exact = [];

    public int Length { get; private set; }

    /// <summary>The weights are multiples of 2^-PrecisionBits.</summary>
    public int PrecisionBits { get; private set; }

    /// <summary>Weights stored for each pixel.</summary>
    public int TapStride { get; private set; }

    /// <summary>The first source pixel of each pixel.</summary>
    public int[] Starts { get; private set; } = [];

    /// <summary>How many source pixels count.</summary>
    public int[] Counts { get; private set; } = [];

    /// <summary>[Length, TapStride].</summary>
    public short[] Weights { get; private set; } = [];

    /// <summary>Makes the table anew in the memory that is there.</summary>
    /// <param name="source">Source pixels.</param>
    /// <param name="whole">Pixels that the whole source becomes.</param>
    /// <param name="first">The first of them to make.</param>
    /// <param name="length">How many to make.</param>
    /// <param name="filter">The kernel.</param>
    /// <param name="mirrored">Make them in reverse order.</param>
    public void Prepare(int source, int whole, int first, int length, ResampleFilter filter, bool mirrored)
    {
        double scale = (double)source / whole;
        double filterScale = Math.Max(scale, 1);
        double support = filter.Support() * filterScale;
        int mostTaps = (int)Math.Ceiling(support) * 2 + 1;
        Length = length;
        TapStride = (mostTaps + TapGroup - 1) / TapGroup * TapGroup;
        Reserve(length, TapStride);

        double largest = 0;
        for (int i = 0; i < length; i++)
        {
            int at = first + (mirrored ? length - 1 - i : i);
            double center = (at + 0.5) * scale;
            int start = Math.Max(0, (int)(center - support + 0.5));
            int count = Math.Min(source, (int)(center + support + 0.5)) - start;
            Span<double> weights = _exact.AsSpan(i * TapStride, TapStride);
            double sum = 0;
            for (int tap = 0; tap < count; tap++)
            {
                weights[tap] = filter.At((tap + start - center + 0.5) / filterScale);
                sum += weights[tap];
            }
            for (int tap = 0; tap < count; tap++)
            {
                weights[tap] /= sum;
                largest = Math.Max(largest, Math.Abs(weights[tap]));
            }
            weights[count..].Clear();
            (Starts[i], Counts[i]) = (start, count);
        }

        PrecisionBits = MaxPrecisionBits;
        while (largest * (1L << PrecisionBits) + 0.5 > short.MaxValue)
            PrecisionBits--;
        double one = 1L << PrecisionBits;
        for (int i = 0; i < length * TapStride; i++)
            Weights[i] = (short)Math.Round(_exact[i] * one, MidpointRounding.AwayFromZero);
    }

    /// <summary>The source pixels from the first to the last that counts.</summary>
    public (int First, int End) SourceRange()
    {
        (int first, int end) = (int.MaxValue, 0);
        for (int i = 0; i < Length; i++)
            (first, end) = (Math.Min(first, Starts[i]), Math.Max(end, Starts[i] + Counts[i]));
        return (first, end);
    }

    private void Reserve(int length, int tapStride)
    {
        if (Starts.Length < length)
            (Starts, Counts) = (new int[length], new int[length]);
        if (_exact.Length < length * tapStride)
            (_exact, Weights) = (new double[length * tapStride], new short[length * tapStride]);
    }
}
