using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Records;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Imaging;

public class RecordTests
{
    private static readonly string[] Names = ["evaluation0.png", "evaluation1.png", "baseline420.jpg", "palette.png", "cmyk.jpg", "rgb.png", "grey.jpg"];
    private static readonly ImageOptions Small = new() { Evaluation = new EvaluationTransform(32, 28) };

    [ImagingTheory]
    [InlineData(RecordEncoding.Raw)]
    [InlineData(RecordEncoding.Jpeg)]
    public void WhatIsPackedIsReadAgain(RecordEncoding encoding)
    {
        using TemporaryFolder folder = new();
        string path = folder.File("set.records");
        ImageListing listing = Listing();
        PackResult result = RecordPacker.Pack(listing, path, new PackOptions(32, encoding, 100), DecodeLimits.Standard, new DamagedImages());
        Assert.Equal(new PackResult(Names.Length, 0, 0), result);
        Assert.False(File.Exists(RecordWriter.PartialOf(path)));
        using RecordSet records = new(path, Small);
        ImageFileSet files = new(listing, Small);
        Assert.Equal((files.Count, files.Height, files.Width), (records.Count, records.Height, records.Width));
        Assert.Equal(listing.ClassNames, records.ClassNames);
        Assert.Empty(records.FindDamaged());
        float[] expected = new float[files.ImageElements()];
        float[] actual = new float[expected.Length];
        for (int i = 0; i < files.Count; i++)
        {
            Assert.Equal(files.Label(i), records.Label(i));
            files.ReadImage(i, expected);
            records.ReadImage(i, actual);
            if (encoding == RecordEncoding.Raw)
                Assert.Equal(expected, actual);
            else
                // Quality 100 keeps the luma but for rounding; chroma is halved.
                Assert.InRange(Luma(expected).Zip(Luma(actual), (a, b) => Math.Abs(a - b)).Average(), 0, 0.03);
        }
    }

    /// <summary>Samples come from the same pixels by the same numbers, whoever holds them.</summary>
    [ImagingFact]
    public void SamplesOfRecordsAreThoseOfTheFiles()
    {
        using TemporaryFolder folder = new();
        ImageListing listing = new("rgb", [ImageFixture.PathOf("rgb.png")], [0], ["only"]);
        RecordPacker.Pack(listing, folder.File("set.records"), new PackOptions(43), DecodeLimits.Standard, new DamagedImages());
        using RecordSet records = new(folder.File("set.records"), Small);
        ImageFileSet files = new(listing, Small);
        byte[] expected = new byte[28 * 28 * 3];
        byte[] actual = new byte[expected.Length];
        for (ulong epoch = 0; epoch < 20; epoch++)
        {
            files.ReadSample(0, CounterRandom.For(1, epoch, 0), expected);
            records.ReadSample(0, CounterRandom.For(1, epoch, 0), actual);
            Assert.Equal(expected, actual);
        }
    }

    /// <summary>Broken off after any of its bytes, a pack goes on and ends with the file of an unbroken one.</summary>
    [ImagingFact]
    public void APackThatWasBrokenOffContinues()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("set.records");
        ImageListing listing = Listing();
        PackOptions options = new(24);
        RecordPacker.Pack(listing, path, options, DecodeLimits.Standard, new DamagedImages());
        byte[] whole = File.ReadAllBytes(path);
        byte[] begun = [.. whole];
        // As the writer leaves the header until all is written: no images, no places.
        using (RecordWriter fresh = new(folder.File("empty"), RecordEncoding.Raw, RecordHeader.Read(whole, "whole").Fingerprint))
        {
        }
        File.ReadAllBytes(RecordWriter.PartialOf(folder.File("empty"))).AsSpan(0, RecordFormat.HeaderBytes).CopyTo(begun);
        int most = 0;
        foreach (int bytes in (int[])[.. Enumerable.Range(0, whole.Length / 977).Select(i => 977 * i), whole.Length - 1])
        {
            File.Delete(path);
            File.WriteAllBytes(RecordWriter.PartialOf(path), begun[..bytes]);
            PackResult result = RecordPacker.Pack(listing, path, options, DecodeLimits.Standard, new DamagedImages());
            Assert.Equal(whole, File.ReadAllBytes(path));
            Assert.InRange(result.Resumed, most, Names.Length);
            most = result.Resumed;
        }
        Assert.Equal(Names.Length, most);

        File.WriteAllBytes(RecordWriter.PartialOf(path), begun);
        Assert.Equal(0, RecordPacker.Pack(listing, path, new PackOptions(25), DecodeLimits.Standard, new DamagedImages()).Resumed);
    }

    [ImagingFact]
    public void DamageIsFoundAndNamed()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("set.records");
        RecordPacker.Pack(Listing(), path, new PackOptions(32), DecodeLimits.Standard, new DamagedImages());
        byte[] whole = File.ReadAllBytes(path);
        Assert.Contains("could not find file", Refusal(null).ToLowerInvariant(), StringComparison.Ordinal);
        Assert.Contains("too short", Refusal([1, 2, 3]), StringComparison.Ordinal);
        Assert.Contains("does not start with", Refusal(new byte[5000]), StringComparison.Ordinal);
        Assert.Contains("truncated", Refusal(whole[..^100]), StringComparison.Ordinal);
        byte[] header = [.. whole];
        header[30] ^= 1;
        Assert.Contains("its header has another checksum", Refusal(header), StringComparison.Ordinal);
        byte[] index = [.. whole];
        index[^80] ^= 1;
        Assert.Contains("its index has another checksum", Refusal(index), StringComparison.Ordinal);

        byte[] pixel = [.. whole];
        pixel[5000] ^= 1;
        File.WriteAllBytes(path, pixel);
        using RecordSet records = new(path, Small);
        Assert.Single(records.FindDamaged());

        string Refusal(byte[]? content)
        {
            File.Delete(path);
            if (content is not null)
                File.WriteAllBytes(path, content);
            return Assert.Throws<ResNetException>(() => new RecordSet(path, Small)).Message;
        }
    }

    [ImagingFact]
    public void ImagesThatCannotBeReadAreLeftOut()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("bad.jpg"), "no image");
        ImageListing listing = new("set", [ImageFixture.PathOf("rgb.png"), folder.File("bad.jpg"), ImageFixture.PathOf("grey.png")], [0, 1, 2], ["a", "b", "c"]);
        PackResult result = RecordPacker.Pack(listing, folder.File("set.records"), new PackOptions(32), DecodeLimits.Standard, new DamagedImages(0.5));
        Assert.Equal(new PackResult(2, 0, 1), result);
        using RecordSet records = new(folder.File("set.records"), Small);
        Assert.Equal([0, 2], [records.Label(0), records.Label(1)]);
        Assert.Contains("cannot be read", Assert.Throws<ResNetException>(() => RecordPacker.Pack(
            listing, folder.File("other.records"), new PackOptions(32), DecodeLimits.Standard, new DamagedImages())).Message, StringComparison.Ordinal);
    }

    private static IEnumerable<double> Luma(float[] rgb) => rgb.Chunk(3).Select(pixel => 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]);

    private static ImageListing Listing() => new("fixtures", [.. Names.Select(ImageFixture.PathOf)], [0, 1, 2, 0, 1, 2, 0], ["red", "gréen", "blue"]);
}
