namespace CudnnResNet.Tests.Conformance;

/// <summary>Sizes of tensors, whole or by channel (the innermost extent).</summary>
internal static class Rms
{
    public static double Of(double[] values) => Math.Sqrt(values.Sum(value => value * value) / values.Length);

    public static double Largest(double[] values) => values.Max(Math.Abs);

    public static double[] ByChannel(double[] values, int channels)
    {
        double[] squares = new double[channels];
        for (int i = 0; i < values.Length; i++)
            squares[i % channels] += values[i] * values[i];
        return Array.ConvertAll(squares, sum => Math.Sqrt(sum * channels / values.Length));
    }

    public static double[] LargestByChannel(double[] values, int channels)
    {
        double[] largest = new double[channels];
        for (int i = 0; i < values.Length; i++)
            largest[i % channels] = Math.Max(largest[i % channels], Math.Abs(values[i]));
        return largest;
    }
}
