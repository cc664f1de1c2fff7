using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Kernels;
using CudnnResNet.Tests.Cuda;

namespace CudnnResNet.Tests.Imaging;

/// <summary>Which files a device may decode, and that its crops are those of the host.</summary>
public class EncodedSampleTests
{
    [ImagingTheory]
    [InlineData("baseline444.jpg", true)]
    [InlineData("baseline420.jpg", true)]
    [InlineData("grey.jpg", true)]
    [InlineData("orientation1.jpg", true)]
    [InlineData("progressive.jpg", false)]
    [InlineData("cmyk.jpg", false)]
    [InlineData("ycck.jpg", false)]
    [InlineData("orientation2.jpg", false)]
    [InlineData("rgb.png", false)]
    public void OnlyPlainFilesAreHandedOn(string fixture, bool isPlain)
    {
        using EncodedImageFolder folder = new(1, 40, 30);
        folder.AddFixture(fixture, 1);
        ImageFileSet set = folder.Open(new ImageOptions { Evaluation = new EvaluationTransform(28, 24) });
        EncodedImage image = new();
        Assert.Equal(isPlain, set.TryReadImage(1, image));
        Assert.Equal(isPlain, set.TryReadSample(1, CounterRandom.For(1, 1, 1), image));
        if (!isPlain)
            return;
        Assert.Equal(ImageFixture.Bytes(fixture), image.Bytes.ToArray());
        (byte[] _, int width, int height) = ImageFixture.Expected(fixture);
        Assert.Equal((true, width, height), (image.IsFile, image.Width, image.Height));
    }

    /// <summary>A second start of a frame, of another size, is for the host to judge.</summary>
    [ImagingFact]
    public void AFileOfTwoFramesIsNotHandedOn()
    {
        byte[] whole = EncodedImageFolder.Encode(40, 30, seed: 1);
        int frame = whole.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        byte[] segment = whole[frame..(frame + 2 + (whole[frame + 2] << 8 | whole[frame + 3]))];
        segment[5] = 0x40;
        using EncodedImageFolder folder = new(1, 40, 30);
        folder.Add("two.jpg", 1, [.. whole[..frame], .. whole[frame..(frame + segment.Length)], .. segment, .. whole[(frame + segment.Length)..]]);
        ImageFileSet set = folder.Open(new ImageOptions { Evaluation = new EvaluationTransform(28, 24) });
        EncodedImage image = new();
        Assert.True(set.TryReadImage(0, image));
        bool isHandedOn = false;
        Record.Exception(() => isHandedOn = set.TryReadImage(1, image));
        Assert.False(isHandedOn);
    }

    [ImagingFact]
    public void CropsAndMirrorsAreThoseOfTheHost()
    {
        using EncodedImageFolder folder = new(1, 500, 375);
        TrainingTransform transform = new();
        ImageFileSet set = folder.Open(new ImageOptions { Evaluation = new EvaluationTransform(28, 24), Training = transform });
        EncodedImage image = new();
        int mirrored = 0;
        for (ulong n = 0; n < 200; n++)
        {
            var random = CounterRandom.For(3, 1, n);
            Assert.True(set.TryReadSample(0, random, image));
            (int left, int top, int width, int height) = transform.DrawCrop(500, 375, random);
            Assert.Equal(ImagePlacement.Filling(left, top, width, height, 24, 24, random.Below(2, Draws.Flip) == 1) with { MayAlias = true }, image.Placement);
            mirrored += image.Placement.IsMirrored ? 1 : 0;
        }
        // Half of them, within four standard deviations.
        Assert.InRange(mirrored, 100 - 28, 100 + 28);
    }

    /// <summary>What happens to pixels cannot happen to files.</summary>
    [ImagingFact]
    public void OnlyPlainSamplesAreHandedOn()
    {
        using EncodedImageFolder folder = new(4, 40, 30);
        ImageOptions options = new() { Evaluation = new EvaluationTransform(28, 24) };
        Normalization colours = Normalization.ImageNet;
        LoaderOptions loading = new(2, Shuffle: false, Seed: 1, Augmentation.Standard(0), colours) { Accepted = BatchForm.Files };
        (BatchForm Form, ImageOptions Options, Augmentation Augmentation)[] cases =
        [
            (BatchForm.Files, options, Augmentation.Standard(0)),
            (BatchForm.Files, options, Augmentation.None),
            (BatchForm.Bytes, options, Augmentation.Standard(0) with { CutMix = 1 }),
            (BatchForm.Floats, options, Augmentation.Standard(0) with { Mixup = 1 }),
            (BatchForm.Bytes, options with { Training = new TrainingTransform { RandAugment = new(2, 9) } }, Augmentation.Standard(0)),
            (BatchForm.Bytes, options with { Training = new TrainingTransform(Filter: CudnnResNet.Imaging.Resampling.ResampleFilter.Bicubic) }, Augmentation.Standard(0)),
        ];
        foreach ((BatchForm form, ImageOptions images, Augmentation augmentation) in cases)
        {
            using BatchLoader loader = new(folder.Open(images), loading with { Augmentation = augmentation });
            Batch batch = loader.Next();
            Assert.Equal(form, batch.Form);
            Assert.All(batch.Files.ToArray(), file => Assert.True(file.IsFile));
        }
    }
}
