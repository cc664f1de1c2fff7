using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class NormalizationTests
{
    [Fact]
    public void StatisticsAreThoseCountedByHand()
    {
        // Two images of one pixel row with two channels: channel 0 holds 1, 2, 3, 6; channel 1 holds 5 four times.
        var set = new FloatImageSet("s", [1, 2, 5, 5, 3, 6, 5, 5], (1, 2, 2), [0, 0], ["a"]);
        DatasetStatistics statistics = DatasetStatistics.Of(set);
        // Mean 12 / 4; variance (4 + 1 + 0 + 9) / 4.
        Assert.Equal([3.0, 5.0], statistics.Mean.ToArray());
        Assert.Equal([Math.Sqrt(3.5), 0.0], statistics.Std.ToArray());
        Normalization normalization = Normalization.Of(set);
        Assert.Equal([3f, 5f], normalization.Mean.ToArray());
        Assert.Equal([(float)Math.Sqrt(3.5), 1f], normalization.Std.ToArray());
    }

    [Fact]
    public void StatisticsOfTheBundledSetAreNumPys()
    {
        // NumPy, from the float32 pixels in float64: f.mean(), f.std(). 4.7 million additions in another order move less than 1e-11.
        DatasetStatistics statistics = DatasetStatistics.Of(FashionMnist.LoadBundled(train: true));
        Assert.Equal(0.2869149411557232, statistics.Mean.Single(), 1e-11);
        Assert.Equal(0.35377927160196826, statistics.Std.Single(), 1e-11);
    }

    [Fact]
    public void BatchesAreNormalisedInFloat32()
    {
        var set = new FloatImageSet("s", [0.1f, 0.2f, 0.7f, 0.9f], (1, 2, 2), [0], ["a"]);
        var normalization = new Normalization([0.3f, 0.4f], [0.5f, 0.6f]);
        float[] images = new EvaluationBatches(set, 1, normalization).Read(0).Images.ToArray();
        Assert.Equal([(0.1f - 0.3f) / 0.5f, (0.7f - 0.4f) / 0.6f, (0.2f - 0.3f) / 0.5f, (0.9f - 0.4f) / 0.6f], images);
    }

    [Theory]
    [InlineData(new[] { 0f }, new[] { 1f }, "1 means")]
    [InlineData(new[] { 0f, 0f }, new[] { 1f }, "1 deviations")]
    [InlineData(new[] { 0f, float.NaN }, new[] { 1f, 1f }, "channel 1")]
    [InlineData(new[] { 0f, 0f }, new[] { 0f, 1f }, "channel 0")]
    [InlineData(new[] { 0f, 0f }, new[] { 1f, -1f }, "channel 1")]
    public void WhatDoesNotFitIsRefused(float[] mean, float[] std, string reason)
    {
        var set = new NumberedImages(1, channels: 2);
        var normalization = new Normalization([.. mean], [.. std]);
        Assert.Contains(reason, Assert.Throws<ResNetException>(() => new EvaluationBatches(set, 1, normalization)).Message);
    }
}
