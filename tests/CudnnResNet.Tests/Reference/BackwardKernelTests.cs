using static CudnnResNet.Tests.Reference.ReferenceRun;

namespace CudnnResNet.Tests.Reference;

/// <summary>
/// Every backward operation against central differences of its forward in double: for a random dy, the derivative of
/// sum(dy * y). With steps of 1e-5 truncation and rounding are both near 1e-10 of the numbers here, which are around one.
/// </summary>
public class BackwardKernelTests
{
    private const double Step = 1e-5;
    private const double Tolerance = 1e-8;

    [Fact]
    public void Convolution()
    {
        const string Line = "n2 h5 w4 c3 k2 r3 s3 stride2 pad1 f64";
        double[] x = Numbers(2 * 5 * 4 * 3, 1), w = Numbers(2 * 9 * 3, 2), b = Numbers(2, 3), dy = Numbers(2 * 3 * 2 * 2, 4);
        double[] Forward(double[][] inputs) => Run($"conv_fwd {Line} +bias", inputs)[0];
        AssertClose(Gradient(Forward, dy, 0, x, w, b), Run($"conv_bwd_data {Line}", dy, w)[0], Tolerance);
        AssertClose(Gradient(Forward, dy, 1, x, w, b), Run($"conv_bwd_filter {Line}", x, dy)[0], Tolerance);
        AssertClose(Gradient(Forward, dy, 2, x, w, b), Run("channel_sum n2 h3 w2 c2 f64", dy)[0], Tolerance);
    }

    [Fact]
    public void BatchNorm()
    {
        const string Extents = "n3 h2 w2 c3";
        double[] x = Numbers(36, 1), gamma = Numbers(3, 2), beta = Numbers(3, 3), dy = Numbers(36, 4);
        double[] mean = [0, 0, 0], variance = [1, 1, 1];
        double[][] Results(double[][] inputs) => Run($"bn_train {Extents} eps0.01 mom0.1 f64", [.. inputs, mean, variance]);
        double[][] forward = Results([x, gamma, beta]);
        double[][] backward = Run($"bn_bwd {Extents} f64", dy, x, gamma, forward[1], forward[2]);
        for (int slot = 0; slot < 3; slot++)
            AssertClose(Gradient(inputs => Results(inputs)[0], dy, slot, x, gamma, beta), backward[slot], Tolerance);
    }

    [Fact]
    public void Relu()
    {
        double[] x = Numbers(24, 1), dy = Numbers(24, 2);
        double[] Forward(double[][] inputs) => Run("relu e24 f64", inputs)[0];
        AssertClose(Gradient(Forward, dy, 0, x), Run("relu_bwd e24 f64", dy, Forward([x]))[0], Tolerance);
    }

    [Fact]
    public void MaxPool()
    {
        const string Line = "n2 h5 w4 c3 window3 stride2 pad1 f64";
        double[] x = Numbers(2 * 5 * 4 * 3, 1), dy = Numbers(2 * 3 * 2 * 3, 2);
        double[] argmax = Run($"max_pool {Line} +argmax", x)[1];
        AssertClose(Gradient(inputs => Run($"max_pool {Line}", inputs)[0], dy, 0, x),
            Run($"max_pool_bwd {Line}", dy, argmax)[0], Tolerance);
    }

    [Fact]
    public void GlobalAveragePool()
    {
        double[] x = Numbers(2 * 3 * 2 * 5, 1), dy = Numbers(2 * 5, 2);
        AssertClose(Gradient(inputs => Run("avg_pool n2 h3 w2 c5 f64", inputs)[0], dy, 0, x),
            Run("avg_pool_bwd n2 c5 h3 w2 f64", dy)[0], Tolerance);
    }

    [Fact]
    public void Linear()
    {
        double[] x = Numbers(3 * 4, 1), w = Numbers(5 * 4, 2), b = Numbers(5, 3), dy = Numbers(3 * 5, 4);
        double[] Forward(double[][] inputs) => Run("linear n3 c4 k5 f64", inputs)[0];
        AssertClose(Gradient(Forward, dy, 0, x, w, b), Run("linear_bwd_data n3 c4 k5 f64", dy, w)[0], Tolerance);
        AssertClose(Gradient(Forward, dy, 1, x, w, b), Run("linear_bwd_filter n3 c4 k5 f64", x, dy)[0], Tolerance);
        AssertClose(Gradient(Forward, dy, 2, x, w, b), Run("channel_sum n3 c5 f64", dy)[0], Tolerance);
    }

    [Theory]
    [InlineData("softmax_ce", 5, "0")]
    [InlineData("softmax_ce", 5, "0.1")]
    [InlineData("sigmoid_ce", 1, "0")]
    [InlineData("sigmoid_ce", 1, "0.1")]
    public void Losses(string name, int classes, string smoothing)
    {
        string extents = $"n4 c{classes} smooth{smoothing} f64";
        double[] z = Numbers(4 * classes, 1), labels = [1, 0, classes == 1 ? 1 : 4, 0];
        AssertClose(Gradient(inputs => Run($"{name} {extents}", inputs[0], labels)[0], [1], 0, z),
            Run($"{name}_bwd {extents}", z, labels)[0], Tolerance);
    }

    /// <summary>The derivative of sum(dy * forward(inputs)) by the input at <paramref name="slot"/>.</summary>
    private static double[] Gradient(Func<double[][], double[]> forward, double[] dy, int slot, params double[][] inputs)
    {
        double[] gradient = new double[inputs[slot].Length];
        for (int i = 0; i < gradient.Length; i++)
            gradient[i] = (At(i, Step) - At(i, -Step)) / (2 * Step);
        return gradient;

        double At(int element, double step)
        {
            double[][] moved = [.. inputs.Select(input => (double[])input.Clone())];
            moved[slot][element] += step;
            return forward(moved).Zip(dy, (y, d) => y * d).Sum();
        }
    }
}
