using CudnnResNet.Graph;
using static CudnnResNet.Tests.Reference.ReferenceRun;

namespace CudnnResNet.Tests.Reference;

/// <summary>
/// Convolutions and linear layers against seven nested loops written from the definition
/// y[n,p,q,k] = sum over r, s, c of x[n, p*stride - pad + r, q*stride - pad + s, c] * w[k,r,s,c].
/// </summary>
public class ConvolutionDefinitionTests
{
    /// <summary>Images, then H, W, C, K, R, S, stride, padding.</summary>
    public static TheoryData<int[]> Geometries =>
    [
        [2, 5, 7, 3, 4, 3, 3, 1, 1], [1, 9, 8, 5, 3, 3, 3, 2, 1], [3, 7, 7, 1, 2, 7, 7, 2, 3], [2, 5, 5, 65, 3, 1, 1, 2, 0],
        [2, 1, 1, 7, 5, 1, 1, 1, 0], [1, 1, 1, 1, 1, 3, 3, 1, 1], [2, 4, 6, 9, 3, 3, 1, 1, 1], [1, 3, 3, 2, 2, 3, 3, 1, 2],
        [2, 6, 5, 4, 3, 2, 3, 3, 0],
    ];

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Forward(int[] extents)
    {
        (int n, ConvolutionGeometry g, double[] x, double[] w, _, string line) = Case(extents);
        double[] b = Numbers(g.K, seed: 4);
        double[] expected = new double[n * g.P * g.Q * g.K];
        for (int i = 0; i < expected.Length; i++)
            expected[i] = b[i % g.K];
        ForEachTerm(n, g, (xi, wi, yi) => expected[yi] += x[xi] * w[wi]);
        AssertClose(expected, Run($"conv_fwd {line} +bias", x, w, b)[0]);
        for (int i = 0; i < expected.Length; i++)
            expected[i] -= b[i % g.K];
        AssertClose(expected, Run($"conv_fwd {line}", x, w)[0]);
    }

    [Theory]
    [MemberData(nameof(Geometries))]
    public void BackwardData(int[] extents)
    {
        (int n, ConvolutionGeometry g, double[] x, double[] w, double[] dy, string line) = Case(extents);
        double[] expected = new double[x.Length];
        ForEachTerm(n, g, (xi, wi, yi) => expected[xi] += dy[yi] * w[wi]);
        AssertClose(expected, Run($"conv_bwd_data {line}", dy, w)[0]);
    }

    [Theory]
    [MemberData(nameof(Geometries))]
    public void BackwardFilter(int[] extents)
    {
        (int n, ConvolutionGeometry g, double[] x, double[] w, double[] dy, string line) = Case(extents);
        double[] expected = new double[w.Length];
        ForEachTerm(n, g, (xi, wi, yi) => expected[wi] += dy[yi] * x[xi]);
        AssertClose(expected, Run($"conv_bwd_filter {line}", x, dy)[0]);
    }

    [Fact]
    public void LinearLayer()
    {
        const int N = 3, C = 5, K = 4;
        double[] x = Numbers(N * C, 1), w = Numbers(K * C, 2), b = Numbers(K, 3), dy = Numbers(N * K, 4);
        double[] y = new double[N * K], dx = new double[N * C], dw = new double[K * C];
        for (int n = 0; n < N; n++)
            for (int k = 0; k < K; k++)
            {
                y[n * K + k] = b[k];
                for (int c = 0; c < C; c++)
                {
                    y[n * K + k] += x[n * C + c] * w[k * C + c];
                    dx[n * C + c] += dy[n * K + k] * w[k * C + c];
                    dw[k * C + c] += dy[n * K + k] * x[n * C + c];
                }
            }
        AssertClose(y, Run("linear n3 c5 k4 f64", x, w, b)[0]);
        AssertClose(dx, Run("linear_bwd_data n3 c5 k4 f64", dy, w)[0]);
        AssertClose(dw, Run("linear_bwd_filter n3 c5 k4 f64", x, dy)[0]);
    }

    /// <summary>By hand: a 2x2 image, one 3x3 filter counting 1 to 9, padding 1. Cross-correlation, not convolution.</summary>
    [Fact]
    public void ByHand() => Assert.Equal(
        [5 * 1 + 6 * 2 + 8 * 3 + 9 * 4, 4 * 1 + 5 * 2 + 7 * 3 + 8 * 4, 2 * 1 + 3 * 2 + 5 * 3 + 6 * 4, 1 * 1 + 2 * 2 + 4 * 3 + 5 * 4],
        Run("conv_fwd n1 h2 w2 c1 k1 r3 s3 stride1 pad1 f64", [1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9])[0]);

    private static (int N, ConvolutionGeometry G, double[] X, double[] W, double[] DY, string Line) Case(int[] e)
    {
        ConvolutionGeometry g = new(e[1], e[2], e[3], e[4], e[5], e[6], e[7], e[8]);
        return (e[0], g, Numbers(e[0] * g.H * g.W * g.C, 1), Numbers(g.K * g.R * g.S * g.C, 2),
            Numbers(e[0] * g.P * g.Q * g.K, 3),
            $"n{e[0]} h{g.H} w{g.W} c{g.C} k{g.K} r{g.R} s{g.S} stride{g.Stride} pad{g.Padding} f64");
    }

    /// <summary>Visits the positions of x, w and y in every product of the definition.</summary>
    private static void ForEachTerm(int images, ConvolutionGeometry g, Action<int, int, int> visit)
    {
        for (int n = 0; n < images; n++)
            for (int p = 0; p < g.P; p++)
                for (int q = 0; q < g.Q; q++)
                    for (int k = 0; k < g.K; k++)
                        for (int r = 0; r < g.R; r++)
                            for (int s = 0; s < g.S; s++)
                                for (int c = 0; c < g.C; c++)
                                {
                                    int h = p * g.Stride - g.Padding + r, w = q * g.Stride - g.Padding + s;
                                    if (h >= 0 && h < g.H && w >= 0 && w < g.W)
                                        visit(((n * g.H + h) * g.W + w) * g.C + c, ((k * g.R + r) * g.S + s) * g.C + c,
                                            ((n * g.P + p) * g.Q + q) * g.K + k);
                                }
    }
}
