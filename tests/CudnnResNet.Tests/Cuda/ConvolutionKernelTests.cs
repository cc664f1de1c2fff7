using CudnnResNet.Cuda.Device;
using CudnnResNet.Graph;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// The own convolutions against their definition. Operands are quarters, so that every sum is exact in float32: results
/// must be the exact ones, rounded once. Beside 16-bit activations, filters carry a part that rounding takes away.
/// </summary>
public sealed class ConvolutionKernelTests
{
    public static TheoryData<int, int, int, int, int, int, int, int, string> Geometries()
    {
        TheoryData<int, int, int, int, int, int, int, int, string> rows = [];
        foreach (string type in (string[])["f32", "bf16", "f16"])
        {
            rows.Add(2, 5, 6, 3, 7, 3, 1, 1, type);
            rows.Add(1, 7, 5, 65, 3, 3, 2, 1, type);
            rows.Add(2, 1, 1, 7, 65, 1, 1, 0, type);
            rows.Add(3, 8, 8, 8, 8, 1, 2, 0, type);
            rows.Add(1, 9, 9, 1, 70, 7, 2, 3, type);
        }
        return rows;
    }

    [HostKernelTheory]
    [MemberData(nameof(Geometries))]
    public void EveryPassIsExact(int n, int h, int w, int c, int k, int r, int stride, int padding, string type)
    {
        ConvolutionGeometry g = new(h, w, c, k, r, r, stride, padding);
        double[] x = Quarters(n * h * w * c, 1), dy = Quarters(n * g.P * g.Q * k, 2), filter = Quarters(k * r * r * c, 3), bias = Quarters(k, 4);
        double[] y = new double[dy.Length], dx = new double[x.Length], dw = new double[filter.Length];
        for (int pixel = 0; pixel < n * g.P * g.Q; pixel++)
            for (int f = 0; f < k; f++)
            {
                y[pixel * k + f] = bias[f];
                (int q, int p, int image) = (pixel % g.Q, pixel / g.Q % g.P, pixel / g.Q / g.P);
                for (int tap = 0; tap < r * r; tap++)
                {
                    (int row, int column) = (p * stride - padding + tap / r, q * stride - padding + tap % r);
                    if (row < 0 || row >= h || column < 0 || column >= w)
                        continue;
                    for (int channel = 0; channel < c; channel++)
                    {
                        (int from, int at) = (((image * h + row) * w + column) * c + channel, (f * r * r + tap) * c + channel);
                        y[pixel * k + f] += x[from] * filter[at];
                        dx[from] += dy[pixel * k + f] * filter[at];
                        dw[at] += dy[pixel * k + f] * x[from];
                    }
                }
            }

        LaunchArgument geometry = LaunchArgument.Of(new Convolution(n, h, w, c, k, r, r, stride, padding, g.P, g.Q));
        using KernelMemory xs = Elements.Memory(x, type), dys = Elements.Memory(dy, type), biases = Elements.Memory(bias, "f32");
        using KernelMemory filters = Elements.Memory(Perturbed(filter, type), "f32");
        using KernelMemory ys = new(dys.Bytes.Length), dxs = new(xs.Bytes.Length), dws = new(filters.Bytes.Length);
        HostKernels.Run($"conv_forward_{type}", 2, xs, filters, biases, ys, geometry);
        HostKernels.Run($"conv_backward_data_{type}", 3, dys, filters, dxs, geometry);
        Assert.Equal(Elements.Rounded(y, type), Elements.Of(ys, type));
        Assert.Equal(Elements.Rounded(dx, type), Elements.Of(dxs, type));
        foreach (int splits in (int[])[1, 3])
        {
            using KernelMemory partial = new(dws.Bytes.Length * splits);
            HostKernels.Run($"conv_backward_filter_{type}", 2, xs, dys, partial, geometry, splits);
            HostKernels.Run("sum_splits", 1, partial, dws, (long)dw.Length, splits);
            Assert.Equal(dw, Elements.Of(dws, "f32"));
        }
    }

    [HostKernelTheory]
    [InlineData(3, 65, 7, "f32")]
    [InlineData(3, 65, 7, "bf16")]
    [InlineData(70, 8, 1, "f16")]
    public void LinearLayersAreExact(int n, int c, int k, string type)
    {
        double[] x = Quarters(n * c, 1), w = Quarters(k * c, 2), bias = Quarters(k, 3), dy = Quarters(n * k, 4);
        double[] y = new double[n * k], dx = new double[n * c], dw = new double[k * c];
        for (int image = 0; image < n; image++)
            for (int f = 0; f < k; f++)
            {
                y[image * k + f] = bias[f];
                for (int channel = 0; channel < c; channel++)
                {
                    y[image * k + f] += x[image * c + channel] * w[f * c + channel];
                    dx[image * c + channel] += dy[image * k + f] * w[f * c + channel];
                    dw[f * c + channel] += dy[image * k + f] * x[image * c + channel];
                }
            }

        LaunchArgument geometry = LaunchArgument.Of(new Convolution(n, 1, 1, c, k, 1, 1, 1, 0, 1, 1));
        using KernelMemory xs = Elements.Memory(x, type), ws = Elements.Memory(Perturbed(w, type), "f32");
        using KernelMemory biases = Elements.Memory(bias, "f32"), dys = Elements.Memory(dy, "f32");
        using KernelMemory ys = new(4 * n * k), dxs = new(xs.Bytes.Length), dws = new(4 * k * c);
        HostKernels.Run($"linear_forward_{type}", 1, xs, ws, biases, ys, geometry);
        HostKernels.Run($"linear_backward_data_{type}", 1, dys, ws, dxs, geometry);
        HostKernels.Run($"linear_backward_filter_{type}", 1, xs, dys, dws, geometry, 1);
        Assert.Equal(y, Elements.Of(ys, "f32"));
        Assert.Equal(Elements.Rounded(dx, type), Elements.Of(dxs, type));
        Assert.Equal(dw, Elements.Of(dws, "f32"));
    }

    /// <summary>-1 to 1.</summary>
    private static double[] Quarters(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(-4, 5) / 4.0)];
    }

    private static double[] Perturbed(double[] filter, string type) =>
        type == "f32" ? filter : [.. filter.Select(value => value * (1 + Math.ScaleB(1, -14)))];

    private readonly record struct Convolution(int N, int H, int W, int C, int K, int R, int S, int Stride, int Padding, int P, int Q);
}
