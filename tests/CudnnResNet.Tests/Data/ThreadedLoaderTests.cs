using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

/// <summary>What a loader of several threads promises beside what one thread does.</summary>
public class ThreadedLoaderTests
{
    private const int Side = 6;

    /// <summary>Samples that are made of the index and the sample's random numbers.</summary>
    private sealed class RandomSamples(int count) : ISampleSource
    {
        public Action<int>? Reading { get; init; }

        public DamagedImages Damaged { get; init; } = new(0.5);

        public string SampleRecipe => "the index and a number";

        public string Name => "random samples";

        public int Count => count;

        public int Height => Side;

        public int Width => Side;

        public int Channels => 3;

        public int ClassCount => count;

        public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, count).Select(i => $"{i}")];

        public ISampleSource WithSize(int side) => throw new NotSupportedException();

        public int Label(int index) => index;

        public void ReadImage(int index, Span<float> nhwc) => nhwc.Fill(index);

        public void ReadBytes(int index, Span<byte> hwc) => hwc.Fill((byte)index);

        public void ReadSample(int index, CounterRandom random, Span<byte> hwc)
        {
            Reading?.Invoke(index);
            for (int i = 0; i < hwc.Length; i++)
                hwc[i] = (byte)(random[(ulong)i] + (ulong)index);
        }
    }

    private sealed record Step(long Epoch, int[] Labels, float[] Images, bool EndsEpoch, LoaderPosition After);

    private static readonly LoaderOptions Options = new(8, Shuffle: true, Seed: 5,
        Augmentation.Standard(0) with { Erasing = 0.5, Mixup = 0.4, CutMix = 1 }, new Normalization([0.1f, 0.2f, 0.3f], [0.3f, 0.2f, 0.1f]));

    [Fact]
    public void TheSequenceIsTheSameForEveryNumberOfThreadsAndFromEveryPlace()
    {
        RandomSamples set = new(37);
        List<Step> expected = Run(set, Options with { Threads = 1 }, 12, LoaderPosition.Start);
        foreach (int threads in (int[])[2, 3, 8])
            RequireEqual(expected, Run(set, Options with { Threads = threads, Prefetch = 3 }, 12, LoaderPosition.Start));
        for (int at = 0; at < 11; at++)
            RequireEqual(expected[(at + 1)..], Run(set, Options with { Threads = 1 + at % 3 }, 11 - at, expected[at].After));
    }

    /// <summary>Batches that are ready together are mixed together, each from its own images.</summary>
    [Fact]
    public void BatchesMixedAtTheSameTimeDoNotMeet()
    {
        RandomSamples set = new(64);
        LoaderOptions mixed = Options with { Batch = 2, Augmentation = Augmentation.Standard(0) with { Mixup = 1 } };
        List<Step> expected = Run(set, mixed with { Threads = 1 }, 16_000, LoaderPosition.Start);
        RequireEqual(expected, Run(set, mixed with { Threads = 8, Prefetch = 8 }, 16_000, LoaderPosition.Start));
    }

    [Fact]
    public void TheSteadyStateAllocatesNothingOnAnyThread()
    {
        RandomSamples set = new(64);
        using BatchLoader loader = new(set, Options with { Threads = 3 });
        for (int i = 0; i < 300; i++)
            loader.Next();
        // The test's runner allocates now and then; a loader that does so does it every time.
        long fewest = long.MaxValue;
        for (int attempt = 0; attempt < 40 && fewest > 0; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 40; i++)
                loader.Next();
            fewest = Math.Min(fewest, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.Equal(0, fewest);
    }

    [Fact]
    public void AFailureOnAnyThreadComesOutAfterTheBatchesBeforeIt()
    {
        RandomSamples set = new(64) { Reading = i => { if (i == 19) throw new ResNetException("sample 19 is torn"); } };
        LoaderOptions inOrder = Options with { Shuffle = false, Threads = 3, Augmentation = Augmentation.Standard(0) };
        using BatchLoader loader = new(set, inOrder);
        Assert.Equal(0, loader.Next().Labels[0]);
        Assert.Equal(8, loader.Next().Labels[0]);
        Assert.Equal("sample 19 is torn", Assert.Throws<ResNetException>(() => loader.Next()).Message);
        Assert.Throws<ResNetException>(() => loader.Next());
    }

    [Fact]
    public void ADamagedImageGivesItsPlaceToTheNextUntilThereAreTooMany()
    {
        List<string> heard = [];
        RandomSamples set = new(64)
        {
            Reading = i => { if (i is 3 or 4 or 20) throw new DamagedImageException($"image {i} is damaged"); },
            Damaged = new DamagedImages(0.04, (_, message) => heard.Add(message)),
        };
        LoaderOptions inOrder = Options with { Shuffle = false, Threads = 1, Augmentation = Augmentation.Standard(0) };
        using BatchLoader loader = new(set, inOrder);
        Assert.Equal([0, 1, 2, 5, 5, 5, 6, 7], loader.Next().Labels.ToArray());
        loader.Next();
        Assert.Contains("3 of 64 images cannot be read, more than 4 %", Assert.Throws<ResNetException>(() => loader.Next()).Message, StringComparison.Ordinal);
        Assert.Equal(["image 3 is damaged", "image 4 is damaged", "image 20 is damaged"], heard);
    }

    [Fact]
    public void DisposeEndsEveryThreadAtAnyMoment()
    {
        for (int i = 0; i < 50; i++)
        {
            BatchLoader loader = new(new RandomSamples(64), Options with { Threads = 4 });
            for (int step = 0; step < i % 5; step++)
                loader.Next();
            loader.Dispose();
            Assert.Throws<ObjectDisposedException>(() => loader.Next());
        }
    }

    /// <summary>Half of the images have a rectangle of zeros of 2 to 33 % of their area, in one piece.</summary>
    [Fact]
    public void ErasedRectanglesAreOfTheSizesPromised()
    {
        const int side = 40;
        int erased = 0;
        for (ulong n = 0; n < 400; n++)
        {
            float[] image = [.. Enumerable.Repeat(1f, side * side * 3)];
            RandomErasing.Apply(image, side, side, CounterRandom.For(1, 2, n));
            int zeros = image.Count(x => x == 0) / 3;
            if (zeros == 0)
                continue;
            erased++;
            Assert.InRange(zeros, 0.015 * side * side, 0.36 * side * side);
            int[] at = [.. Enumerable.Range(0, side * side).Where(i => image[3 * i] == 0)];
            int rows = at.Max(i => i / side) - at.Min(i => i / side) + 1;
            int columns = at.Max(i => i % side) - at.Min(i => i % side) + 1;
            Assert.Equal(zeros, rows * columns);
        }
        Assert.InRange(erased, 390, 400);
    }

    /// <summary>Mean 1/2 and variance 1 / (4 (2 alpha + 1)) of the symmetric beta distribution, within five standard errors.</summary>
    [Theory]
    [InlineData(0.2)]
    [InlineData(1)]
    [InlineData(3)]
    public void BetaNumbersHaveTheirMeanAndVariance(double alpha)
    {
        const int count = 4000;
        double[] x = [.. Enumerable.Range(0, count).Select(n => BetaDistribution.Symmetric(alpha, CounterRandom.For(3, 4, (ulong)n), 16))];
        Assert.All(x, value => Assert.InRange(value, 0, 1));
        double variance = 1 / (4 * (2 * alpha + 1));
        Assert.Equal(0.5, x.Average(), 5 * Math.Sqrt(variance / count));
        Assert.Equal(variance, x.Average(value => (value - 0.5) * (value - 0.5)), 5 * 0.25 / Math.Sqrt(count) * Math.Sqrt(variance));
    }

    /// <summary>Constant images show their shares: a mixture is between two neighbours, and the label is one of theirs.</summary>
    [Theory]
    [InlineData(0.8, 0)]
    [InlineData(0, 0.8)]
    public void MixedImagesAndLabelsAreOfNeighbours(double mixup, double cutMix)
    {
        NumberedImages set = new(10, 12, 12);
        LoaderOptions options = new(5, Shuffle: false, Seed: 9, Augmentation.None with { Mixup = mixup, CutMix = cutMix }, Normalization.None);
        using BatchLoader loader = new(set, options);
        double mixed = 0, taken = 0;
        for (int step = 0; step < 200; step++)
        {
            Batch batch = loader.Next();
            int first = step % 2 * 5;
            for (int i = 0; i < 5; i++)
            {
                (int own, int other) = (first + i, first + (i + 1) % 5);
                double[] image = new double[144];
                for (int j = 0; j < 144; j++)
                    image[j] = batch.Images[i * 144 + j] - j / 10.0;
                if (cutMix > 0)
                    Assert.All(image, x => Assert.True(Math.Min(Math.Abs(x - own), Math.Abs(x - other)) < 1e-4));
                else
                    Assert.Equal(image.Min(), image.Max(), 1e-4);
                Assert.Contains(batch.Labels[i], (int[])[own, other]);
                mixed += (image.Average() - own) / (other - own);
                taken += batch.Labels[i] == other ? 1 : 0;
            }
        }
        // 1,000 labels drawn with the shares: five standard errors of a draw.
        Assert.Equal(mixed / 1000, taken / 1000, 5 * 0.5 / Math.Sqrt(1000));
        Assert.InRange(mixed / 1000, 0.2, 0.8);
    }

    private static void RequireEqual(List<Step> expected, List<Step> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal((expected[i].Epoch, expected[i].EndsEpoch, expected[i].After), (actual[i].Epoch, actual[i].EndsEpoch, actual[i].After));
            Assert.Equal(expected[i].Labels, actual[i].Labels);
            Assert.Equal(expected[i].Images, actual[i].Images);
        }
    }

    private static List<Step> Run(ISampleSource set, LoaderOptions options, int steps, LoaderPosition start)
    {
        using BatchLoader loader = new(set, options, start);
        List<Step> result = [];
        for (int i = 0; i < steps; i++)
        {
            Batch batch = loader.Next();
            result.Add(new Step(batch.Epoch, batch.Labels.ToArray(), batch.Images.ToArray(), batch.EndsEpoch, batch.After));
        }
        return result;
    }
}
