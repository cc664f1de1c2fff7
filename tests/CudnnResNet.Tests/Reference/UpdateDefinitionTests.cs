using static CudnnResNet.Tests.Reference.ReferenceRun;

namespace CudnnResNet.Tests.Reference;

/// <summary>The operations of an optimizer, on numbers that can be followed by hand.</summary>
public class UpdateDefinitionTests
{
    /// <summary>As the plain rule, but the weight moves by the decayed gradient plus momentum times the new velocity.</summary>
    [Fact]
    public void NesterovLooksAhead()
    {
        double[][] changed = Run("sgd e1 mom0.5 wd0.25 nesterov f64", [4], [1], [2], [0.5]);
        Assert.Equal([3], changed[1]);
        Assert.Equal([4 - 0.5 * (2 + 0.5 * 3)], changed[0]);
    }

    /// <summary>A gradient scale is there before the decay is added, a trust ratio multiplies both.</summary>
    [Fact]
    public void FactorsOfTheGradient()
    {
        Assert.Equal([0.5 * 6 + 0.25 * 4], Run("sgd e1 mom0.5 wd0.25 scaled f64", [4], [6], [0], [0.5], [0.5])[1]);
        Assert.Equal([3 * (6 + 0.25 * 4)], Run("sgd e1 mom0.5 wd0.25 trusted f64", [4], [6], [0], [0.5], [3])[1]);
        Assert.Equal([3 * (0.5 * 6 + 0.25 * 4)], Run("sgd e1 mom0.5 wd0.25 scaled trusted f64", [4], [6], [0], [0.5], [0.5], [3])[1]);
    }

    [Fact]
    public void BlendIgnoresWhatItDoesNotTake()
    {
        Assert.Equal([0.75 * 4 + 0.25 * 8], Run("blend e1 keep0.75 take0.25 f64", [4], [8])[0]);
        Assert.Equal([0.5 * 8], Run("blend e1 keep0 take0.5 f64", [double.NaN], [8])[0]);
        Assert.Equal([0, 0], Run("blend e2 keep0 take0 f64", [double.NaN, 1], [double.PositiveInfinity, 1])[0]);
    }

    [Fact]
    public void SquaredSumContinues()
    {
        Assert.Equal([25], Run("squared_sum e2 f64", [3, -4])[0]);
        Assert.Equal([36], Run("squared_sum e2 plus f64", [3, -4], [11])[0]);
    }

    /// <summary>A norm of 4 is halved to 2; one below the limit stays; what is not finite shows.</summary>
    [Fact]
    public void ClipScale()
    {
        Assert.Equal([2 / (4 + 1e-6)], Run("clip_scale max2 f64", [16])[0]);
        Assert.Equal([1], Run("clip_scale max2 f64", [3.9])[0]);
        Assert.Equal([0], Run("clip_scale max2 f64", [double.PositiveInfinity])[0]);
        Assert.Equal([double.NaN], Run("clip_scale max2 f64", [double.NaN])[0]);
    }

    [Fact]
    public void TrustRatio()
    {
        AssertClose([0.5 * 2 / (3 + 0.25 * 2)], Run("trust_ratio coef0.5 wd0.25 f64", [4], [9])[0]);
        AssertClose([0.5 * 2 / (0.1 * 3 + 0.25 * 2)], Run("trust_ratio coef0.5 wd0.25 scaled f64", [4], [9], [0.1])[0]);
        Assert.Equal([1], Run("trust_ratio coef0.5 wd0.25 f64", [0], [9])[0]);
        Assert.Equal([1], Run("trust_ratio coef0.5 wd0.25 f64", [4], [0])[0]);
    }
}
