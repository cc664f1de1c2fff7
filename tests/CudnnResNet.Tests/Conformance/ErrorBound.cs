using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// How far the elements of a tensor may be from the truth before they are rounded for memory: one number, or one for
/// each channel (the innermost extent).
/// </summary>
internal readonly record struct ErrorBound(params double[] Channels)
{
    public static ErrorBound Exact => new(0);

    /// <summary>True where a correct kernel has no choice but to round the true value once.</summary>
    public bool IsExact => Channels.All(bound => bound == 0);

    public double Largest => Channels.Max();

    public double At(int element) => Channels[element % Channels.Length];

    public static ErrorBound operator +(ErrorBound a, ErrorBound b)
    {
        double[] sum = new double[Math.Max(a.Channels.Length, b.Channels.Length)];
        for (int c = 0; c < sum.Length; c++)
            sum[c] = a.At(c) + b.At(c);
        return new ErrorBound(sum);
    }

    /// <summary>The distance allowed between an element in memory and its true value.</summary>
    public double Allowed(int element, double expected, DataType type)
    {
        double roundoff = StorageFormat.UnitRoundoff(type);
        return At(element) * (1 + roundoff) + Math.Max(Math.Abs(expected) * roundoff, StorageFormat.Underflow(type));
    }
}
