using CudnnResNet.Data;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Data;

public class FashionMnistTests
{
    // The sums of all bytes and the first labels were taken from the whole set with NumPy; see make-fashion-mnist-subset.
    [Theory]
    [InlineData(true, 6000, 344_160_204L, new[] { 9, 0, 0, 3, 0, 2, 7, 2, 5, 5 })]
    [InlineData(false, 1000, 56_973_981L, new[] { 9, 2, 1, 1, 6, 1, 4, 6, 5, 7 })]
    public void TheBundledSubsetIsWholeAndBalanced(bool train, int count, long sum, int[] firstLabels)
    {
        ByteImageSet set = FashionMnist.LoadBundled(train);
        Assert.Equal((count, 28, 28, 1, 10), (set.Count, set.Height, set.Width, set.Channels, set.ClassCount));
        Assert.Equal("Ankle boot", set.ClassNames[9]);
        var perClass = new int[10];
        long actual = 0;
        for (int i = 0; i < set.Count; i++)
        {
            perClass[set.Label(i)]++;
            foreach (byte pixel in set.ReadBytes(i))
                actual += pixel;
        }
        Assert.All(perClass, n => Assert.Equal(count / 10, n));
        Assert.Equal(sum, actual);
        Assert.Equal(firstLabels, Enumerable.Range(0, 10).Select(set.Label));
    }

    [Fact]
    public void TheSubsetHasTheLicenceBesideIt() =>
        Assert.Contains("Copyright (c) 2017 Zalando SE", File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Assets/fashion-mnist-subset/LICENSE")));

    [Fact]
    public void AFolderOfTheUsersOwnIsReadPackedOrPlain()
    {
        string bundled = Path.Combine(AppContext.BaseDirectory, "Assets/fashion-mnist-subset");
        ByteImageSet packed = FashionMnist.Load(bundled, train: false);
        using var folder = new TemporaryFolder();
        foreach (string name in new[] { "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" })
        {
            using var gzip = new System.IO.Compression.GZipStream(File.OpenRead(Path.Combine(bundled, name + ".gz")), System.IO.Compression.CompressionMode.Decompress);
            using FileStream plain = File.Create(folder.File(name));
            gzip.CopyTo(plain);
        }
        ByteImageSet unpacked = FashionMnist.Load(folder.Path, train: false);
        Assert.Equal(packed.Count, unpacked.Count);
        for (int i = 0; i < packed.Count; i++)
            Assert.True(packed.ReadBytes(i).SequenceEqual(unpacked.ReadBytes(i)) && packed.Label(i) == unpacked.Label(i));
    }

    [Fact]
    public void MissingFilesAreNamedWithTheRemedy()
    {
        using var folder = new TemporaryFolder();
        string message = Assert.Throws<ResNetException>(() => FashionMnist.Load(folder.Path, train: true)).Message;
        Assert.Contains("train-images-idx3-ubyte.gz", message);
        Assert.Contains(folder.Path, message);
        Assert.Contains("dataset-fashion-mnist", message);
    }

    [InstalledFashionMnistFact]
    public void DebiansPackageHoldsTheWholeSet()
    {
        ByteImageSet test = FashionMnist.Load(null, train: false);
        Assert.Equal(10_000, test.Count);
        ByteImageSet subset = FashionMnist.LoadBundled(train: false);
        Assert.True(test.ReadBytes(0).SequenceEqual(subset.ReadBytes(0)));
    }

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class InstalledFashionMnistFactAttribute : FactAttribute
    {
        public InstalledFashionMnistFactAttribute()
        {
            if (!Directory.Exists("/usr/share/datasets/fashion-mnist"))
                Skip = "Debian's package dataset-fashion-mnist is not installed";
        }
    }
}
