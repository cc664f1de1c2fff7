using CudnnResNet.Compilation;

namespace CudnnResNet.Tests.Compilation;

public class BatchFitTests
{
    /// <summary>A fixed part, a part for each image, and steps, as workspaces make them.</summary>
    private static long Peak(int batch) => 1000 + 70L * batch + (batch > 300 ? 5000 : 0) + 64 * (batch / 48);

    [Theory]
    [InlineData(1069)]
    [InlineData(1070)]
    [InlineData(1559)]
    [InlineData(1560)]
    [InlineData(5000)]
    [InlineData(22000)]
    [InlineData(27000)]
    [InlineData(1_000_000)]
    [InlineData(long.MaxValue / 2)]
    public void TheNextBatchWouldNotFit(long bytes)
    {
        int asked = 0;
        int? largest = BatchFit.Largest(batch =>
        {
            asked++;
            return Peak(batch);
        }, bytes);
        if (largest is not { } batch)
        {
            Assert.True(Peak(1) > bytes);
            return;
        }
        Assert.True(Peak(batch) <= bytes);
        Assert.True(batch == 1 << 16 || Peak(batch < 8 ? batch + 1 : batch + 8) > bytes);
        Assert.InRange(asked, 1, 40);
    }
}
