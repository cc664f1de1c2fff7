using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Imaging;

public class ImageSetTests
{
    private static readonly ImageOptions Small = new() { Evaluation = new EvaluationTransform(32, 28) };

    /// <summary>Every random crop is inside, and areas and shapes are spread over what was asked.</summary>
    [Theory]
    [InlineData(500, 375)]
    [InlineData(375, 500)]
    [InlineData(1000, 100)]
    [InlineData(3, 2)]
    public void RandomCropsFitTheImage(int width, int height)
    {
        TrainingTransform transform = new();
        List<double> areas = [];
        for (ulong n = 0; n < 2000; n++)
        {
            (int left, int top, int w, int h) = transform.DrawCrop(width, height, CounterRandom.For(1, 2, n));
            Assert.True(left >= 0 && top >= 0 && w > 0 && h > 0 && left + w <= width && top + h <= height);
            areas.Add((double)w * h / width / height);
            if (width < 1000 && width > 3)
                Assert.InRange((double)w / h, 0.74, 1.35);
        }
        if (width is 500 or 375)
        {
            // torchvision's mean, since large crops fit less often; four standard errors.
            Assert.Equal(0.433, areas.Average(), 0.02);
            Assert.InRange(areas.Min(), 0.07, 0.1);
        }
    }

    /// <summary>A crop of all of the image is the image, and half of the samples are mirrored.</summary>
    [ImagingFact]
    public void SamplesAreTheImageOrItsMirror()
    {
        ImageFileSet set = new(new ImageListing("square", [ImageFixture.PathOf("evaluation0.png")], [0], ["only"]), Small with
        {
            Evaluation = new EvaluationTransform(0, 43),
            Training = new TrainingTransform(MinArea: 1, MaxAspect: 61.0 / 43),
        });
        byte[] first = new byte[43 * 43 * 3];
        byte[] sample = new byte[first.Length];
        byte[] mirror = new byte[first.Length];
        int mirrored = 0;
        ulong fallback = 0;
        TrainingTransform transform = new(MinArea: 1, MaxAspect: 61.0 / 43);
        for (ulong n = 0; n < 200; n++)
        {
            if (transform.DrawCrop(61, 43, CounterRandom.For(1, n, 0)) is not { Left: 0, Top: 0, Width: 61, Height: 43 })
                continue;
            set.ReadSample(0, CounterRandom.For(1, n, 0), sample);
            if (fallback++ == 0)
            {
                sample.CopyTo(first, 0);
                for (int y = 0; y < 43; y++)
                    for (int x = 0; x < 43; x++)
                        first.AsSpan((y * 43 + x) * 3, 3).CopyTo(mirror.AsSpan((y * 43 + 42 - x) * 3, 3));
            }
            else if (!sample.SequenceEqual(first))
            {
                Assert.Equal(mirror, sample);
                mirrored++;
            }
        }
        Assert.InRange(fallback, 100ul, 200ul);
        Assert.InRange(mirrored, (int)fallback / 4, (int)fallback * 3 / 4);
    }

    /// <summary>A crop of a large photograph is decoded smaller; it shows the same as the crop of the whole.</summary>
    [ImagingFact]
    public void CropsOfLargeImagesAreDecodedSmaller()
    {
        using ImageWorker worker = new(DecodeLimits.Standard);
        TrainingTransform transform = new(MinArea: 0.9, HorizontalFlip: false);
        byte[] file = ImageFixture.Bytes("baseline444.jpg");
        byte[] scaled = new byte[10 * 10 * 3];
        byte[] exact = new byte[scaled.Length];
        CounterRandom random = CounterRandom.For(3, 1, 4);
        worker.MakeSample(file, "x", transform, random, scaled, 10);
        Assert.InRange(worker.Source.Height, 10, 22);
        worker.Decoder.Decode(file, "x", 1, worker.Source);
        transform.Apply(worker.Source.View, transform.DrawCrop(61, 43, random), worker, random, exact, 10);
        Assert.InRange(scaled.Zip(exact, (a, b) => Math.Abs(a - b)).Average(), 0, 25);
    }

    /// <summary>Files are read, decoded and resized without a byte of managed memory for each, on however many threads.</summary>
    [ImagingFact]
    public void TheSteadyStateAllocatesNothing()
    {
        string[] names = ["baseline420.jpg", "rgb.png", "progressive.jpg", "cmyk.jpg", "orientation6.jpg", "palette.png"];
        ImageFileSet set = new(new ImageListing("files", [.. names.Select(ImageFixture.PathOf)], new int[6], ["only"]), Small);
        LoaderOptions options = new(6, Shuffle: true, Seed: 1, Augmentation.Standard(1), Normalization.ImageNet) { Threads = 2 };
        using BatchLoader loader = new(set, options);
        for (int i = 0; i < 200; i++)
            loader.Next();
        // The test's runner allocates now and then; a loader that does so does it every time.
        long fewest = long.MaxValue;
        for (int attempt = 0; attempt < 40 && fewest > 0; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < 30; i++)
                loader.Next();
            fewest = Math.Min(fewest, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.Equal(0, fewest);
    }

    [Fact]
    public void AFoldersClassesAreItsSubFoldersInTheOrderOfCodePoints()
    {
        using TemporaryFolder folder = new();
        foreach (string name in (string[])["b/2.PNG", "b/1.jpg", "B/x.jpeg", "a/deep/er.png", "a/notes.txt", "empty/readme.md"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(name))!);
            File.WriteAllText(folder.File(name), "");
        }
        ImageListing listing = ImageListing.OfFolder(folder.Path);
        Assert.Equal(["B", "a", "b", "empty"], listing.ClassNames);
        Assert.Equal(["B/x.jpeg", "a/deep/er.png", "b/1.jpg", "b/2.PNG"], listing.Paths.Select(path => Path.GetRelativePath(folder.Path, path)));
        Assert.Equal([0, 1, 2, 2], listing.Labels);
        Assert.Contains("no such folder", Assert.Throws<ResNetException>(() => ImageListing.OfFolder(folder.File("none"))).Message, StringComparison.Ordinal);
        Assert.Contains("no JPEG or PNG", Assert.Throws<ResNetException>(() => ImageListing.OfFolder(folder.File("empty"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.png,3\n\"b, c.png\",0\r\n", "3 0", "a.png|b, c.png", 4)]
    [InlineData("label,extra,path\ncat,x,a.png\nant,y,\"b\"\"q.png\"\n", "1 0", "a.png|b\"q.png", 2)]
    public void RowsOfPathsAndLabelsAreRead(string text, string labels, string paths, int classes)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("set.csv"), text);
        ImageListing listing = ImageListing.OfCsv(folder.File("set.csv"));
        Assert.Equal(labels, string.Join(' ', listing.Labels));
        Assert.Equal(paths.Split('|'), listing.Paths.Select(Path.GetFileName));
        Assert.Equal(classes, listing.ClassNames.Count);
    }

    [Theory]
    [InlineData("", "holds no images")]
    [InlineData("a.png\n", "has 1 columns")]
    [InlineData("a.png,12\n", "label 12 of image 1 is not from 0 to 9")]
    [InlineData("\"a.png,1\n", "quote that is not closed")]
    public void RowsWithoutMeaningAreRefused(string text, string reason)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("set.csv"), text);
        Assert.Contains(reason, Assert.Throws<ResNetException>(() => ImageListing.OfCsv(folder.File("set.csv"), null, 10)).Message, StringComparison.Ordinal);
    }
}
