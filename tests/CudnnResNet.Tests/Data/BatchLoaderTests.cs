using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class BatchLoaderTests
{
    private sealed record Step(long Epoch, int[] Labels, float[] Images, bool EndsEpoch, LoaderPosition After);

    [Fact]
    public void InOrderARemainderIsDropped()
    {
        List<Step> steps = Run(new NumberedImages(10), Options(4, shuffle: false), 5);
        Assert.Equal([0, 1, 2, 3], steps[0].Labels);
        Assert.Equal([4, 5, 6, 7], steps[1].Labels);
        Assert.Equal([0, 1, 2, 3], steps[2].Labels);
        Assert.Equal([1L, 1, 2, 2, 3], steps.Select(s => s.Epoch));
        Assert.Equal([false, true, false, true, false], steps.Select(s => s.EndsEpoch));
        Assert.Equal([new(1, 4), new(2, 0), new(2, 4), new(3, 0), new(3, 4)], steps.Select(s => s.After));
    }

    [Fact]
    public void ShuffledARemainderIsCarriedIntoTheNextEpochsFirstBatch()
    {
        List<Step> steps = Run(new NumberedImages(10), Options(4, shuffle: true), 5);
        // 20 samples are two epochs of 10, in the orders pinned in CounterRandomTests.
        Assert.Equal([9, 1, 3, 6, 0, 4, 8, 7, 5, 2, 7, 9, 6, 3, 1, 5, 4, 0, 2, 8], steps.SelectMany(s => s.Labels));
        Assert.Equal([1L, 1, 2, 2, 2], steps.Select(s => s.Epoch));
        Assert.Equal([false, true, false, false, true], steps.Select(s => s.EndsEpoch));
        Assert.Equal([new(1, 4), new(1, 8), new(2, 2), new(2, 6), new(3, 0)], steps.Select(s => s.After));
    }

    [Theory]
    [InlineData(10, 4, true)]
    [InlineData(10, 4, false)]
    [InlineData(12, 4, true)]
    [InlineData(7, 7, true)]
    [InlineData(7, 6, true)]
    [InlineData(7, 6, false)]
    [InlineData(5, 1, true)]
    public void EpochsAreWholeAndCountedAsPromised(int count, int batch, bool shuffle)
    {
        using var loader = new BatchLoader(new NumberedImages(count), Options(batch, shuffle));
        Assert.Equal(count / batch, loader.StepsPerEpoch);
        var samples = new List<int>();
        long epoch = 1;
        for (int step = 1; epoch <= 9; step++)
        {
            Batch b = loader.Next();
            Assert.Equal(epoch, b.Epoch);
            Assert.Equal(batch, b.Count);
            samples.AddRange(b.Labels);
            for (int i = 0; i < batch; i++)
                Assert.Equal(b.Labels[i], b.Images[i]);
            if (!b.EndsEpoch)
                continue;
            Assert.Equal(step, loader.StepsThrough(epoch));
            epoch++;
        }
        int perEpoch = shuffle ? count : count / batch * batch;
        foreach (int[] whole in samples.Chunk(perEpoch).Where(c => c.Length == perEpoch))
            Assert.Equal(perEpoch, whole.Distinct().Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ALoaderThatStartsAnywhereGoesOnBitForBit(bool shuffle)
    {
        var set = new NumberedImages(11, 4, 4, 3);
        LoaderOptions options = Options(4, shuffle) with { Augmentation = Augmentation.Standard(2), Normalization = new([1, 2, 3], [3, 2, 1]) };
        List<Step> whole = Run(set, options, 30);
        for (int at = 0; at < 20; at++)
        {
            List<Step> rest = Run(set, options with { Prefetch = 1 + at % 3 }, 10, whole[at].After);
            for (int i = 0; i < rest.Count; i++)
            {
                Step expected = whole[at + 1 + i];
                Assert.Equal((expected.Epoch, expected.EndsEpoch, expected.After), (rest[i].Epoch, rest[i].EndsEpoch, rest[i].After));
                Assert.Equal(expected.Labels, rest[i].Labels);
                Assert.Equal(expected.Images, rest[i].Images);
            }
        }
    }

    [Fact]
    public void TheSeedChangesOrderAndAugmentation()
    {
        var set = new NumberedImages(64, 4, 4);
        LoaderOptions options = Options(64, shuffle: true) with { Augmentation = Augmentation.Standard(2) };
        Assert.NotEqual(Run(set, options, 1)[0].Labels, Run(set, options with { Seed = 43 }, 1)[0].Labels);
        options = options with { Shuffle = false };
        Assert.NotEqual(Run(set, options, 1)[0].Images, Run(set, options with { Seed = 43 }, 1)[0].Images);
        List<Step> epochs = Run(set, options, 2);
        Assert.NotEqual(epochs[0].Images, epochs[1].Images);
    }

    [Theory]
    [InlineData(0, 2, 1, 0, "batch of 0")]
    [InlineData(11, 2, 1, 0, "10 images do not fill one batch of 11")]
    [InlineData(4, 0, 1, 0, "prefetch of 0")]
    [InlineData(4, 2, 0, 0, "epoch 0, sample 0")]
    [InlineData(4, 2, 1, -1, "epoch 1, sample -1")]
    [InlineData(4, 2, 1, 11, "epoch 1, sample 11")]
    public void WhatCannotBeIsRefused(int batch, int prefetch, long epoch, int index, string reason)
    {
        LoaderOptions options = Options(batch, shuffle: true) with { Prefetch = prefetch };
        var e = Assert.Throws<ResNetException>(() => new BatchLoader(new NumberedImages(10), options, new LoaderPosition(epoch, index)));
        Assert.Contains(reason, e.Message);
    }

    [Fact]
    public void ABatchStaysUntouchedUntilTheNextIsAskedFor()
    {
        using var read = new SemaphoreSlim(0);
        var set = new NumberedImages(12) { Reading = _ => read.Release() };
        using var loader = new BatchLoader(set, Options(4, shuffle: false) with { Prefetch = 1 });
        for (int step = 0; step < 9; step++)
        {
            Batch batch = loader.Next();
            // Until the thread has made all it can: this batch and one ahead. Its memory for two batches holds three by turns.
            for (int i = step == 0 ? -4 : 0; i < 4; i++)
                Assert.True(read.Wait(TimeSpan.FromSeconds(30)));
            int first = step % 3 * 4;
            Assert.Equal([first, first + 1, first + 2, first + 3], batch.Labels.ToArray());
            Assert.Equal(0, read.CurrentCount);
        }
    }

    [Fact]
    public void AFailureOfTheDataSetComesOutOfNextAfterTheBatchesBeforeIt()
    {
        var set = new NumberedImages(12) { Reading = i => { if (i == 9) throw new ResNetException("image 9 is torn"); } };
        using var loader = new BatchLoader(set, Options(4, shuffle: false));
        Assert.Equal(0, loader.Next().Labels[0]);
        Assert.Equal(4, loader.Next().Labels[0]);
        Assert.Equal("image 9 is torn", Assert.Throws<ResNetException>(() => loader.Next()).Message);
        Assert.Throws<ResNetException>(() => loader.Next());
    }

    [Fact]
    public async Task DisposeReturnsWhereverTheThreadIs()
    {
        // Waiting for room.
        var idle = new BatchLoader(new NumberedImages(12), Options(4, shuffle: true));
        idle.Next();
        idle.Dispose();
        idle.Dispose();
        Assert.Throws<ObjectDisposedException>(() => idle.Next());

        // Inside a read that never ends, with a reader waiting.
        using var never = new ManualResetEventSlim();
        using var inside = new ManualResetEventSlim();
        var stuck = new BatchLoader(new NumberedImages(12) { Reading = _ => { inside.Set(); never.Wait(); } }, Options(4, shuffle: true));
        var reader = Task.Factory.StartNew(() => Assert.Throws<ObjectDisposedException>(() => stuck.Next()), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        inside.Wait();
        stuck.Dispose();
        await reader.WaitAsync(TimeSpan.FromSeconds(30));
        never.Set();
    }

    [Fact]
    public void TheSteadyStateAllocatesNothingOnEitherThread()
    {
        long loaderThread = 0;
        var set = new NumberedImages(50, 8, 8, 3) { Reading = _ => Volatile.Write(ref loaderThread, GC.GetAllocatedBytesForCurrentThread()) };
        LoaderOptions options = Options(16, shuffle: true) with { Augmentation = Augmentation.Standard(2), Normalization = new([1, 2, 3], [3, 2, 1]) };
        using var loader = new BatchLoader(set, options);
        // Until the code is compiled and the waits have met.
        for (int i = 0; i < 200; i++)
            loader.Next();
        long loaderBefore = Volatile.Read(ref loaderThread);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            loader.Next();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(0, Volatile.Read(ref loaderThread) - loaderBefore);
    }

    private static LoaderOptions Options(int batch, bool shuffle) => new(batch, shuffle, 42, Augmentation.None, Normalization.None);

    private static List<Step> Run(IDataSet set, LoaderOptions options, int steps, LoaderPosition? start = null)
    {
        using var loader = new BatchLoader(set, options, start ?? LoaderPosition.Start);
        var result = new List<Step>();
        for (int i = 0; i < steps; i++)
        {
            Batch batch = loader.Next();
            result.Add(new Step(batch.Epoch, batch.Labels.ToArray(), batch.Images.ToArray(), batch.EndsEpoch, batch.After));
        }
        return result;
    }
}
