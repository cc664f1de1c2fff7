using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class EvaluationBatchesTests
{
    [Theory]
    [InlineData(10, 4, 3, 2)]
    [InlineData(8, 4, 2, 4)]
    [InlineData(3, 8, 1, 3)]
    [InlineData(1, 1, 1, 1)]
    public void EverySampleComesOnceInOrderAndTheLastBatchIsFilledUp(int count, int size, int batches, int lastCount)
    {
        var evaluation = new EvaluationBatches(new NumberedImages(count, 2, 2), size, Normalization.None);
        Assert.Equal(batches, evaluation.BatchCount);
        int next = 0;
        for (int index = 0; index < batches; index++)
        {
            Batch batch = evaluation.Read(index);
            Assert.Equal(index == batches - 1 ? lastCount : size, batch.Count);
            Assert.Equal(index == batches - 1, batch.EndsEpoch);
            Assert.Equal(size, batch.Labels.Length);
            Assert.Equal(size * 4, batch.Images.Length);
            for (int i = 0; i < size; i++)
            {
                int sample = i < batch.Count ? next++ : count - 1;
                Assert.Equal(sample, batch.Labels[i]);
                Assert.Equal([sample, sample + 0.1f, sample + 0.2f, sample + 0.3f], batch.Images.Slice(i * 4, 4).ToArray());
            }
        }
        Assert.Equal(count, next);
        Assert.Throws<ArgumentOutOfRangeException>(() => evaluation.Read(batches));
    }

    [Fact]
    public void BatchesCanBeReadInAnyOrderWithoutAllocating()
    {
        var evaluation = new EvaluationBatches(new NumberedImages(10), 4, new Normalization([1f], [2f]));
        evaluation.Read(2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Batch batch = evaluation.Read(1);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal([1.5f, 2f, 2.5f, 3f], batch.Images.ToArray());
    }

    [Fact]
    public void ABatchThatCannotBeIsRefused()
    {
        Assert.Contains("batch of 0", Assert.Throws<ResNetException>(() => new EvaluationBatches(new NumberedImages(1), 0, Normalization.None)).Message);
        Assert.Contains("over 2 GB", Assert.Throws<ResNetException>(() => new EvaluationBatches(new NumberedImages(1, 100, 100), 60_000, Normalization.None)).Message);
    }
}
