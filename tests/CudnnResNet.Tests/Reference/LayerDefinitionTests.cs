using static CudnnResNet.Tests.Reference.ReferenceRun;

namespace CudnnResNet.Tests.Reference;

/// <summary>Small cases whose results were worked out by hand or straight from the definition.</summary>
public class LayerDefinitionTests
{
    [Fact]
    public void BatchNormTraining()
    {
        // Channel 0 holds 1, 3, 5, 7: mean 4, biased variance 5, unbiased 20/3. Channel 1 is constant.
        double[] x = [1, 2, 3, 2, 5, 2, 7, 2];
        double[][] results = Run("bn_train n2 h2 w1 c2 eps4 mom0.25 f64", x, [6, 3], [1, -1], [8, 0], [4, 1]);
        AssertClose([-5, -1, -1, -1, 3, -1, 7, -1], results[0]);
        AssertClose([4, 2], results[1]);
        AssertClose([1.0 / 3, 0.5], results[2]);
        AssertClose([0.75 * 8 + 0.25 * 4, 0.5], results[3]);
        AssertClose([0.75 * 4 + 0.25 * 20 / 3, 0.75], results[4]);
    }

    [Fact]
    public void BatchNormByGivenStatistics()
    {
        AssertClose([2 * (5 - 1) / 3.0 + 7], Run("bn_infer n1 h1 w1 c1 eps5 f64", [5], [2], [7], [1], [4])[0]);
        AssertClose([2 * (5 - 1) * 0.25 + 7], Run("bn_apply n1 h1 w1 c1 f64", [5], [2], [7], [1], [0.25])[0]);
        AssertClose([5 * 2 + 7, 4 * 3 - 1], Run("scale_bias n1 h1 w1 c2 f64", [5, 4], [2, 3], [7, -1])[0]);
    }

    [Fact]
    public void ReluAndItsMask()
    {
        Assert.Equal([0, 0, 2, double.NaN], Run("relu n1 h2 w2 c1 f64", [-1, 0, 2, double.NaN])[0]);
        Assert.Equal([0, 0, 7], Run("relu_bwd e3 f64", [5, 6, 7], [0, -1, 1e-300])[0]);
        Assert.Equal([4, -2], Run("add e2 f64", [1, 2], [3, -4])[0]);
    }

    /// <summary>Padding never wins, the first of equals does, and overlapping windows add up in the gradient.</summary>
    [Fact]
    public void MaxPool()
    {
        const string Extents = "n1 h3 w3 c1 window3 stride2 pad1 f64";
        double[][] pooled = Run($"max_pool {Extents} +argmax", [-5, -4, -3, -2, -1, -1, -6, -7, -8]);
        Assert.Equal([-1, -1, -1, -1], pooled[0]);
        Assert.Equal([8, 6, 2, 0], pooled[1]);
        // Row 1 column 1 is the maximum of all four windows: the tie with column 2 goes to the first.
        Assert.Equal([0, 0, 0, 0, 1 + 2 + 3 + 4, 0, 0, 0, 0], Run($"max_pool_bwd {Extents}", [1, 2, 3, 4], pooled[1])[0]);
    }

    [Fact]
    public void MaxPoolPassesNaNOn() =>
        Assert.Equal([double.NaN], Run("max_pool n1 h2 w2 c1 window2 stride2 pad0 f64", [1, double.NaN, 3, 2])[0]);

    [Fact]
    public void GlobalAveragePool()
    {
        Assert.Equal([4, 5], Run("avg_pool n1 h1 w3 c2 f64", [1, 2, 4, 6, 7, 7])[0]);
        Assert.Equal([2, 3, 2, 3, 2, 3], Run("avg_pool_bwd n1 c2 h1 w3 f64", [6, 9])[0]);
        Assert.Equal([9, 12], Run("channel_sum n1 h1 w3 c2 f64", [1, 2, 3, 4, 5, 6])[0]);
    }

    /// <summary>Two classes with logits 0 and log 3 have probabilities 1/4 and 3/4.</summary>
    [Fact]
    public void SoftmaxCrossEntropy()
    {
        double[] z = [0, Math.Log(3)];
        AssertClose([Math.Log(4)], Run("softmax_ce n1 c2 smooth0 f64", z, [0])[0]);
        AssertClose([-0.9 * Math.Log(0.75) - 0.1 * Math.Log(0.25)], Run("softmax_ce n1 c2 smooth0.2 f64", z, [1])[0]);
        AssertClose([0.25 - 0.1, 0.75 - 0.9], Run("softmax_ce_bwd n1 c2 smooth0.2 f64", z, [1])[0]);
        AssertClose([(Math.Log(4) + Math.Log(2)) / 2], Run("softmax_ce n2 c2 smooth0 f64", [.. z, 5, 5], [0, 1])[0]);
        AssertClose([1000], Run("softmax_ce n1 c2 smooth0 f64", [-1000, 0], [0])[0]);
    }

    /// <summary>sigmoid(log 3) = 3/4. Large logits neither overflow nor cancel.</summary>
    [Fact]
    public void SigmoidCrossEntropy()
    {
        double[] z = [Math.Log(3)];
        AssertClose([-Math.Log(0.75)], Run("sigmoid_ce n1 c1 smooth0 f64", z, [1])[0]);
        AssertClose([-0.1 * Math.Log(0.75) - 0.9 * Math.Log(0.25)], Run("sigmoid_ce n1 c1 smooth0.2 f64", z, [0])[0]);
        AssertClose([0.75 - 0.9], Run("sigmoid_ce_bwd n1 c1 smooth0.2 f64", z, [1])[0]);
        AssertClose([400], Run("sigmoid_ce n2 c1 smooth0 f64", [800, -800], [0, 0])[0]);
        AssertClose([0.5, 0], Run("sigmoid_ce_bwd n2 c1 smooth0 f64", [800, -800], [0, 0])[0]);
    }

    /// <summary>PyTorch's rule: the decayed gradient enters the velocity, and the new velocity moves the weight.</summary>
    [Fact]
    public void SgdUpdate()
    {
        double[][] changed = Run("sgd e2 mom0.5 wd0.25 f64", [4, 8], [1, -1], [2, 0], [0.5]);
        Assert.Equal([4 - 0.5 * 3, 8 - 0.5 * 1], changed[0]);
        Assert.Equal([0.5 * 2 + 1 + 0.25 * 4, -1 + 0.25 * 8], changed[1]);
    }

    [Fact]
    public void Cast()
    {
        Assert.Equal([(float)0.1, 1e30f], Run("cast e2 f64 f32", [0.1, 1e30])[0].Select(v => (float)v));
        Assert.Equal([0.1f], Run("cast e1 f32 f64", [0.1f])[0]);
    }
}
