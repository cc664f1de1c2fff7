using System.IO.Compression;

using CudnnResNet.Data;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Data;

public class IdxFileTests
{
    [Theory]
    [InlineData("images.idx")]
    [InlineData("images.idx.gz")]
    public void ReadsPlainAndPackedFilesThatPythonWrote(string name)
    {
        IdxArray images = IdxFile.Read(Fixture.PathOf(name));
        Assert.Equal([2, 2, 3, 2], images.Shape);
        Assert.Equal(Enumerable.Range(0, 24).Select(i => (byte)i), images.Data);
        Assert.Equal([1, 0], IdxFile.Read(Fixture.PathOf("labels.idx.gz")).Data);
    }

    [Fact]
    public void GzipIsKnownByItsFirstBytesAndDemandedByItsName()
    {
        Assert.Equal(24, IdxFile.Parse(Fixture.Bytes("images.idx.gz"), "without-the-end").Data.Length);
        Assert.Contains("1f 8b", Assert.Throws<ResNetException>(() => IdxFile.Parse(Fixture.Bytes("images.idx"), "named.gz")).Message);
    }

    [Fact]
    public void AnImageSetKeepsPixelsAndLabels()
    {
        ByteImageSet set = IdxImages.Load("two", Fixture.PathOf("images.idx.gz"), Fixture.PathOf("labels.idx.gz"), ["no", "yes"]);
        Assert.Equal((2, 2, 3, 2, 2), (set.Count, set.Height, set.Width, set.Channels, set.ClassCount));
        Assert.Equal((1, 0), (set.Label(0), set.Label(1)));
        var image = new float[12];
        set.ReadImage(1, image);
        Assert.Equal(Enumerable.Range(12, 12).Select(i => i / 255f), image);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 8 }, "truncated")]
    [InlineData(new byte[] { 0, 1, 8, 1, 0, 0, 0, 0 }, "two zero bytes")]
    [InlineData(new byte[] { 0, 0, 13, 1, 0, 0, 0, 0 }, "0x0d")]
    [InlineData(new byte[] { 0, 0, 8, 0 }, "0 dimensions")]
    [InlineData(new byte[] { 0, 0, 8, 5 }, "5 dimensions")]
    [InlineData(new byte[] { 0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0 }, "truncated")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 3, 1, 2 }, "take 3 bytes, but 2 follow")]
    [InlineData(new byte[] { 0, 0, 8, 1, 0, 0, 0, 1, 1, 2 }, "take 1 bytes, but 2 follow")]
    [InlineData(new byte[] { 0, 0, 8, 1, 255, 255, 255, 255, 1 }, "over 2 GB")]
    [InlineData(new byte[] { 0, 0, 8, 2, 255, 255, 255, 255, 0, 0, 0, 0 }, "dimension 0 is 4294967295")]
    [InlineData(new byte[] { 0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, "over 2 GB")]
    public void DamageIsRefusedPlainAndPacked(byte[] file, string reason)
    {
        Assert.Contains(reason, Assert.Throws<ResNetException>(() => IdxFile.Parse(file, "x.idx")).Message);
        Assert.StartsWith("x.idx.gz: ", Assert.Throws<ResNetException>(() => IdxFile.Parse(Pack(file), "x.idx.gz")).Message);
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        foreach (string name in new[] { "images.idx", "images.idx.gz" })
        {
            byte[] file = Fixture.Bytes(name);
            for (int length = 0; length < file.Length; length++)
                Assert.Throws<ResNetException>(() => IdxFile.Parse(file.AsMemory(0, length), name));
        }
    }

    [Fact]
    public void ADeclarationBeyondWhatGzipCanHoldTakesNoMemory()
    {
        byte[] file = Pack([0, 0, 8, 1, 0x70, 0, 0, 0, 1, 2, 3]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("more than", Assert.Throws<ResNetException>(() => IdxFile.Parse(file, "lie.gz")).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void ADeclarationThatOnlyPretendsTakesMemoryInStepWithTheContent()
    {
        // 40 kB that do not shrink may declare 40 MB; only their own 40 kB arrive.
        var noise = new byte[40_000];
        new Random(1).NextBytes(noise);
        byte[] file = Pack([0, 0, 8, 1, 0x02, 0x40, 0, 0, .. noise]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("truncated", Assert.Throws<ResNetException>(() => IdxFile.Parse(file, "lie.gz")).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 400_000);
    }

    [Fact]
    public void ABombIsCutOffWhereItsDeclarationEnds()
    {
        byte[] file = Pack([0, 0, 8, 1, 0, 0, 0, 1, .. new byte[50_000_000]]);
        Assert.InRange(file.Length, 0, 100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("unpacks to more than the 9 bytes", Assert.Throws<ResNetException>(() => IdxFile.Parse(file, "bomb.gz")).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void HighlyPackedContentIsReadWhole()
    {
        // Grows several times on the way: 9 MB of zeros in some 9 kB.
        const int count = 9_000_000;
        byte[] file = Pack([0, 0, 8, 1, 0, count >> 16, count >> 8 & 255, count & 255, .. new byte[count - 1], 7]);
        byte[] data = IdxFile.Parse(file, "dense.gz").Data;
        Assert.Equal(count, data.Length);
        Assert.Equal(7, data[^1]);
        Assert.Equal(count - 1, data.AsSpan().IndexOf((byte)7));
    }

    [Fact]
    public void ImagesAndLabelsMustBelongTogether()
    {
        using var folder = new TemporaryFolder();
        string Save(string name, params byte[] bytes)
        {
            File.WriteAllBytes(folder.File(name), bytes);
            return folder.File(name);
        }
        string images = Fixture.PathOf("images.idx"), labels = Fixture.PathOf("labels.idx.gz");
        string ThreeLabels() => Save("three", 0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 0);
        Assert.Contains("2 images but 3 labels", Message(() => IdxImages.Load("s", images, ThreeLabels(), ["a", "b"])));
        Assert.Contains("image 0 has label 1, but there are 1 classes", Message(() => IdxImages.Load("s", images, labels, ["a"])));
        Assert.Contains("has 1 dimensions; images have", Message(() => IdxImages.Load("s", labels, labels, ["a", "b"])));
        Assert.Contains("has 4 dimensions; labels have 1", Message(() => IdxImages.Load("s", images, images, ["a", "b"])));
        string none = Save("none", 0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2);
        Assert.Contains("holds no pixels", Message(() => IdxImages.Load("s", none, labels, ["a", "b"])));
    }

    private static string Message(Func<object> act) => Assert.Throws<ResNetException>(act).Message;

    private static byte[] Pack(byte[] content)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize))
            gzip.Write(content);
        return packed.ToArray();
    }
}
