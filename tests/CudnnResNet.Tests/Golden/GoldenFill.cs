using System.Text;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// The formula behind every parameter, input and label of the golden cases: a stream of splitmix64 numbers seeded by
/// the FNV-1a hash of a tensor's name, so that no weight file is needed. The origin, with its explanation, is
/// make_golden.py beside this file. Flat order is PyTorch's: OIHW for weights, NCHW for images.
/// </summary>
public static class GoldenFill
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    /// <summary>The first <paramref name="count"/> numbers in [0, 1) of the stream called <paramref name="name"/>.</summary>
    public static double[] Uniform(string name, long count)
    {
        ulong seed = Fnv1A64(name);
        var values = new double[count];
        for (long index = 0; index < count; index++)
        {
            values[index] = (SplitMix64(seed + ((ulong)index * GoldenGamma)) >> 11) * (1.0 / (1L << 53));
        }

        return values;
    }

    /// <summary>
    /// The values of the parameter or running statistic with torchvision's name <paramref name="name"/>, in the flat order
    /// of <paramref name="shapeOihw"/>: [K, C, R, S] for convolutions, [classes, features] for fc.weight, [C] for the rest.
    /// </summary>
    /// <param name="name">For example "layer1.0.conv2.weight".</param>
    /// <param name="shapeOihw">The shape in PyTorch's order.</param>
    /// <param name="golden">The case, whose salt, depth and version take part in the formula.</param>
    public static double[] Parameter(string name, ReadOnlySpan<long> shapeOihw, GoldenCase golden) =>
        Parameter(name, shapeOihw, golden.Salt, golden.Depth, golden.Version, golden.Width);

    /// <inheritdoc cref="Parameter(string, ReadOnlySpan{long}, GoldenCase)"/>
    public static double[] Parameter(
        string name, ReadOnlySpan<long> shapeOihw, string salt, int depth, string version, int width = 64)
    {
        long count = 1;
        foreach (long extent in shapeOihw)
        {
            count *= extent;
        }

        (double offset, double scale) = Range(name, shapeOihw, depth, version, width);
        double[] values = Uniform(salt + name, count);
        for (int i = 0; i < values.Length; i++)
        {
            double signed = (2 * values[i]) - 1;
            values[i] = name.EndsWith("running_var", StringComparison.Ordinal) ? 1 + (0.25 * values[i])
                : name is "fc.weight" or "fc.bias" ? signed / scale
                : offset + (scale * signed);
        }

        return values;
    }

    /// <summary>The input images [batch, channels, size, size], values in [-2, 2).</summary>
    public static double[] Input(GoldenCase golden, int channels = 3) =>
        Input(golden.Salt, (long)golden.Batch * channels * golden.ImageSize * golden.ImageSize);

    /// <summary>The first <paramref name="count"/> values of the input stream, in [-2, 2).</summary>
    public static double[] Input(string salt, long count)
    {
        double[] values = Uniform(salt + "input", count);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = 2 * ((2 * values[i]) - 1);
        }

        return values;
    }

    /// <summary>The class of each image of the batch.</summary>
    public static long[] Labels(GoldenCase golden)
    {
        var labels = new long[golden.Batch];
        for (int n = 0; n < labels.Length; n++)
        {
            labels[n] = ((37L * n) + 11) % golden.Classes;
        }

        return labels;
    }

    /// <summary>Offset and scale of a value; for the classifier the scale is a divisor, as in the origin (the rounding differs).</summary>
    private static (double Offset, double Scale) Range(string name, ReadOnlySpan<long> shape, int depth, string version, int width)
    {
        if (name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal))
        {
            return (0, 0.1);
        }

        if (shape.Length == 4)
        {
            return (0, Math.Sqrt(6.0 / (shape[1] * shape[2] * shape[3])));
        }

        return name switch
        {
            "fc.weight" => (0, Math.Sqrt(shape[1])),
            "fc.bias" => (0, Math.Sqrt(IsForCifar(depth) ? 4 * width : depth < 50 ? 512 : 2048)),
            _ when name.EndsWith(".bias", StringComparison.Ordinal) => (0, 0.1),
            _ when IsLastNormOfBranch(name, depth, version) => (0.25, 0.1),
            _ => (0.75, 0.25),
        };
    }

    private static bool IsForCifar(int depth) => depth is 20 or 32 or 44 or 56 or 110;

    private static bool IsLastNormOfBranch(string name, int depth, string version)
    {
        string last = depth < 50 || IsForCifar(depth) ? "bn2" : "bn3";
        string[] parts = name.Split('.');
        return version != "v2" && parts[0].StartsWith("layer", StringComparison.Ordinal) && parts[2] == last;
    }

    private static ulong Fnv1A64(string text)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ value) * 0x100000001B3;
        }

        return hash;
    }

    private static ulong SplitMix64(ulong z)
    {
        z ^= z >> 30;
        z *= 0xBF58476D1CE4E5B9;
        z ^= z >> 27;
        z *= 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
