namespace CudnnResNet.Tests.Learn;

/// <summary>Images as people write them down: [n][h][w][c], layers as loops. Nothing of the runtime is used.</summary>
internal sealed class PlainLayers(int n, int h, int w, int c, double[] values)
{
    public int C => c;

    public double[] Values => values;

    /// <summary>TensorFlow's conv2d_fixed_padding: pads by the filter alone where the stride is over 1, then convolves without padding.</summary>
    public PlainLayers FixedPaddingConvolution(double[] krsc, int k, int window, int stride)
    {
        int before = (window - 1) / 2, total = window - 1;
        return Padded(before, total - before).Valid(krsc, k, window, stride);
    }

    public PlainLayers Padded(int before, int after)
    {
        PlainLayers padded = new(n, h + before + after, w + before + after, c, new double[n * (h + before + after) * (w + before + after) * c]);
        for (int i = 0; i < n * h * w * c; i++)
        {
            (int pixel, int channel) = Math.DivRem(i, c);
            (int row, int x) = Math.DivRem(pixel, w);
            (int image, int y) = Math.DivRem(row, h);
            padded.Values[padded.At(image, y + before, x + before, channel)] = values[i];
        }
        return padded;
    }

    private PlainLayers Valid(double[] krsc, int k, int window, int stride)
    {
        int p = (h - window) / stride + 1, q = (w - window) / stride + 1;
        PlainLayers y = new(n, p, q, k, new double[n * p * q * k]);
        for (int image = 0; image < n; image++)
            for (int i = 0; i < p; i++)
                for (int j = 0; j < q; j++)
                    for (int o = 0; o < k; o++)
                    {
                        double sum = 0;
                        for (int r = 0; r < window; r++)
                            for (int s = 0; s < window; s++)
                                for (int channel = 0; channel < c; channel++)
                                    sum += values[At(image, i * stride + r, j * stride + s, channel)]
                                        * krsc[((o * window + r) * window + s) * c + channel];
                        y.Values[y.At(image, i, j, o)] = sum;
                    }
        return y;
    }

    public PlainLayers Normalised(double[] gamma, double[] beta, double[] mean, double[] variance) =>
        Map((x, channel) => (x - mean[channel]) / Math.Sqrt(variance[channel] + 1e-5) * gamma[channel] + beta[channel]);

    /// <summary>By the batch's own mean and biased variance, which are returned.</summary>
    public (PlainLayers Y, double[] Mean, double[] Variance) NormalisedByBatch(double[] gamma, double[] beta)
    {
        double[] mean = new double[c], variance = new double[c];
        int rows = values.Length / c;
        for (int i = 0; i < values.Length; i++)
            mean[i % c] += values[i] / rows;
        for (int i = 0; i < values.Length; i++)
            variance[i % c] += Math.Pow(values[i] - mean[i % c], 2) / rows;
        return (Normalised(gamma, beta, mean, variance), mean, variance);
    }

    public PlainLayers Rectified() => Map((x, _) => Math.Max(x, 0));

    public PlainLayers Plus(PlainLayers other) => new(n, h, w, c, [.. values.Zip(other.Values, (a, b) => a + b)]);

    private PlainLayers Map(Func<double, int, double> f) => new(n, h, w, c, [.. values.Select((x, i) => f(x, i % c))]);

    private int At(int image, int y, int x, int channel) => ((image * h + y) * w + x) * c + channel;
}
