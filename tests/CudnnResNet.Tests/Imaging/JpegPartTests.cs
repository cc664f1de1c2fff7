using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Tests.Imaging;

/// <summary>A test that needs this project's own JPEG library; skipped where it was not built.</summary>
internal sealed class JpegPartTheoryAttribute : TheoryAttribute
{
    public JpegPartTheoryAttribute() => Skip = ImagingProbe.Run().Refusal
        ?? (JpegPartDecoder.IsAvailable ? null : "libcudnnresnet_jpeg.so was not built; ./test builds it where gcc and libjpeg-dev are");
}

public class JpegPartTests
{
    /// <summary>Parts, at every reduction, are cut out of the whole byte for byte.</summary>
    [JpegPartTheory]
    [InlineData("baseline444.jpg")]
    [InlineData("baseline420.jpg")]
    [InlineData("baseline422.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("grey.jpg")]
    public void PartsAreThoseOfTheWhole(string name)
    {
        using JpegPartDecoder decoder = new();
        using PixelBuffer whole = new();
        using PixelBuffer part = new();
        byte[] file = ImageFixture.Bytes(name);
        foreach (int reduction in (int[])[1, 2, 4])
        {
            ImageFixture.Decode(name, whole, reduction);
            for (ulong n = 0; n < 60; n++)
            {
                CounterRandom random = CounterRandom.For(1, (ulong)reduction, n);
                int width = 1 + random.Below(whole.Width, 0);
                int height = 1 + random.Below(whole.Height, 1);
                CropWindow crop = new(random.Below(whole.Width - width + 1, 2), random.Below(whole.Height - height + 1, 3), width, height);
                CropWindow within = decoder.TryDecode(file, reduction, whole.Width, crop, part)!.Value;
                for (int y = 0; y < height; y++)
                    Assert.True(whole.Pixels.Slice(((crop.Top + y) * whole.Width + crop.Left) * 3, width * 3)
                        .SequenceEqual(part.Pixels.Slice(((within.Top + y) * part.Width + within.Left) * 3, width * 3)), $"{crop} at 1/{reduction}, row {y}");
            }
        }
    }

    /// <summary>Damage within the compressed pixels is drawn as libjpeg draws it, whether our own reader saw it or gave up.</summary>
    [JpegPartTheory]
    [InlineData("baseline444.jpg")]
    [InlineData("baseline420.jpg")]
    [InlineData("baseline422.jpg")]
    [InlineData("grey.jpg")]
    public void DamagedPixelsAreThoseOfLibjpeg(string name)
    {
        const int Mutants = 1500;
        using JpegPartDecoder decoder = new();
        using ImageDecoder reference = new(DecodeLimits.Standard);
        using PixelBuffer whole = new();
        using PixelBuffer part = new();
        byte[] file = ImageFixture.Bytes(name);
        int scan = file.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]) + 14;
        Random random = new(7);
        int compared = 0;
        for (int n = 0; n < Mutants; n++)
        {
            byte[] mutant = [.. file];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                mutant[random.Next(scan, mutant.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                reference.Decode(mutant, name, 1, whole);
            }
            catch (DamagedImageException)
            {
                continue;
            }
            CropWindow all = new(0, 0, whole.Width, whole.Height);
            if (decoder.TryDecode(mutant, 1, whole.Width, all, part) is null)
                continue;
            compared++;
            Assert.True(whole.Pixels.SequenceEqual(part.Pixels), $"mutant {n}");
        }
        Assert.InRange(compared, Mutants / 4, Mutants);
    }

    /// <summary>What it does not decode is decoded whole, or refused with a reason, and the next file is read as ever.</summary>
    [JpegPartTheory]
    [InlineData("cmyk.jpg")]
    [InlineData("orientation6.jpg")]
    [InlineData("rgb.png")]
    public void OtherImagesAreDecodedWhole(string name)
    {
        using ImageWorker worker = new(DecodeLimits.Standard);
        byte[] sample = new byte[12 * 12 * 3];
        TrainingTransform transform = new();
        worker.MakeSample(ImageFixture.Bytes(name), name, transform, CounterRandom.For(1, 2, 3), sample, 12);
        Assert.Contains(sample, value => value != 0);
        byte[] cut = ImageFixture.Bytes("baseline420.jpg")[..^300];
        int refused = 0;
        for (ulong n = 0; n < 20; n++)
        {
            try
            {
                worker.MakeSample(cut, "cut", transform, CounterRandom.For(1, 2, n), sample, 12);
            }
            catch (DamagedImageException damage)
            {
                Assert.Contains("cut: not a readable JPEG file", damage.Message, StringComparison.Ordinal);
                refused++;
            }
            worker.MakeSample(ImageFixture.Bytes("baseline420.jpg"), "whole", transform, CounterRandom.For(1, 2, n), sample, 12);
        }
        // Rows below a crop are not read, so a crop of what is there is a sample.
        Assert.InRange(refused, 1, 20);
    }
}
