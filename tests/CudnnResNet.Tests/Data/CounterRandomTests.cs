using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class CounterRandomTests
{
    [Fact]
    public void NumbersAreThoseOfSplitMix64()
    {
        // The first outputs of Vigna's splitmix64.c for the state 1234567.
        var random = new CounterRandom(1234567);
        Assert.Equal(
            [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821],
            Enumerable.Range(0, 5).Select(i => random[(ulong)i]));
    }

    [Fact]
    public void BelowScalesTheWholeRange()
    {
        var random = new CounterRandom(9);
        for (ulong i = 0; i < 1000; i++)
            Assert.Equal((int)(((UInt128)random[i] * 7) >> 64), random.Below(7, i));
    }

    [Fact]
    public void KeysDifferInEveryPart()
    {
        var keys = new HashSet<ulong>();
        for (ulong seed = 0; seed < 10; seed++)
        {
            for (ulong first = 0; first < 10; first++)
            {
                for (ulong second = 0; second < 10; second++)
                    Assert.True(keys.Add(CounterRandom.For(seed, first, second).Key));
            }
        }
    }

    /// <summary>Pinned: a checkpoint of one version must go on with the same order in the next.</summary>
    [Fact]
    public void OrdersAreThoseOfAnIndependentComputation()
    {
        // Computed in Python with its own integers, from SplitMix64 and the Fisher-Yates shuffle.
        var order = new EpochOrder(10, 42, shuffle: true);
        Assert.Equal([9, 1, 3, 6, 0, 4, 8, 7, 5, 2], order.Of(1).ToArray());
        Assert.Equal([7, 9, 6, 3, 1, 5, 4, 0, 2, 8], order.Of(2).ToArray());
        Assert.Equal([9, 1, 3, 6, 0, 4, 8, 7, 5, 2], order.Of(1).ToArray());
        Assert.Equal([3, 1, 5, 0, 8, 9, 2, 7, 4, 6], new EpochOrder(10, 43, shuffle: true).Of(1).ToArray());
        Assert.Equal(Enumerable.Range(0, 10), new EpochOrder(10, 42, shuffle: false).Of(3).ToArray());
    }

    [Fact]
    public void EveryOrderComesEquallyOften()
    {
        var counts = new Dictionary<string, int>();
        var order = new EpochOrder(4, 1, shuffle: true);
        for (long epoch = 1; epoch <= 24_000; epoch++)
        {
            string text = string.Join(' ', order.Of(epoch).ToArray());
            counts[text] = counts.GetValueOrDefault(text) + 1;
        }
        Assert.Equal(24, counts.Count);
        // 1000 of each are expected; the standard deviation is 31, and seven of them never happen by chance.
        Assert.All(counts.Values, count => Assert.InRange(count, 1000 - 217, 1000 + 217));
    }
}
