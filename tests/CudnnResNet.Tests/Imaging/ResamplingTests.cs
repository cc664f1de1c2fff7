using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Tests.Imaging;

public unsafe class ResamplingTests
{
    [ImagingTheory]
    [InlineData("bilinear", 30, 21)]
    [InlineData("bilinear", 17, 40)]
    [InlineData("bilinear", 61, 20)]
    [InlineData("bilinear", 100, 43)]
    [InlineData("bilinear", 128, 97)]
    [InlineData("bilinear", 7, 5)]
    [InlineData("bilinear", 61, 43)]
    [InlineData("bicubic", 30, 21)]
    [InlineData("bicubic", 17, 40)]
    [InlineData("bicubic", 61, 20)]
    [InlineData("bicubic", 100, 43)]
    [InlineData("bicubic", 128, 97)]
    [InlineData("bicubic", 7, 5)]
    [InlineData("bicubic", 61, 43)]
    public void SizesAreMadeAsByPillow(string filter, int width, int height)
    {
        using PixelBuffer source = new();
        using PixelBuffer result = new();
        using Resampler resampler = new();
        ImageFixture.Decode("rgb.png", source);
        // Twice: the second time in the tables and memory of another size.
        foreach ((int w, int h) in ((int, int)[])[(90, 11), (width, height)])
            resampler.Resize(source.View, ResizeRegion.All(w, h), result.Resize(w, h), w * 3, Filter(filter));
        ImageFixture.RequireEqual(ImageFixture.Expected($"{filter}_{width}x{height}").Pixels, result.Pixels);
    }

    /// <summary>Part of an image is that part of the whole, and a mirrored one its mirror, byte for byte.</summary>
    [ImagingTheory]
    [InlineData(40, 30, 3, 5, 21, 17)]
    [InlineData(90, 70, 60, 50, 30, 20)]
    [InlineData(61, 43, 0, 40, 61, 3)]
    public void APartIsThatOfTheWhole(int wholeWidth, int wholeHeight, int left, int top, int width, int height)
    {
        using PixelBuffer source = new();
        using PixelBuffer whole = new();
        using PixelBuffer part = new();
        using PixelBuffer mirrored = new();
        using Resampler resampler = new();
        ImageFixture.Decode("rgb.png", source);
        ResizeRegion region = new(wholeWidth, wholeHeight, left, top, width, height);
        resampler.Resize(source.View, ResizeRegion.All(wholeWidth, wholeHeight), whole.Resize(wholeWidth, wholeHeight), wholeWidth * 3, ResampleFilter.Bicubic);
        resampler.Resize(source.View, region, part.Resize(width, height), width * 3, ResampleFilter.Bicubic);
        resampler.Resize(source.View, region, mirrored.Resize(width, height), width * 3, ResampleFilter.Bicubic, mirrored: true);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<byte> expected = whole.Pixels.Slice(((top + y) * wholeWidth + left + x) * 3, 3);
                Assert.True(expected.SequenceEqual(part.Pixels.Slice((y * width + x) * 3, 3)));
                Assert.True(expected.SequenceEqual(mirrored.Pixels.Slice((y * width + width - 1 - x) * 3, 3)));
            }
    }

    [ImagingTheory]
    [InlineData(0, 32, 28)]
    [InlineData(0, 33, 28)]
    [InlineData(0, 24, 31)]
    [InlineData(1, 32, 28)]
    [InlineData(1, 33, 28)]
    [InlineData(1, 24, 31)]
    [InlineData(2, 32, 28)]
    [InlineData(2, 33, 28)]
    [InlineData(2, 24, 31)]
    public void TheEvaluationTransformIsTorchvisions(int image, int resize, int crop)
    {
        using PixelBuffer source = new();
        using PixelBuffer result = new();
        using Resampler resampler = new();
        ImageFixture.Decode($"evaluation{image}.png", source);
        new EvaluationTransform(resize, crop).Apply(source.View, resampler, result.Resize(crop, crop));
        ImageFixture.RequireEqual(ImageFixture.Expected($"evaluation{image}_{resize}_{crop}").Pixels, result.Pixels);
    }

    [Theory]
    [InlineData(-1, 224, "resize to -1")]
    [InlineData(256, 0, "crop of 0")]
    [InlineData(256, 9000, "crop of 9000")]
    public void TransformsWithoutMeaningAreRefused(int resize, int crop, string reason) => Assert.Contains(reason,
        Assert.Throws<ResNetException>(() => new EvaluationTransform(resize, crop).Validate()).Message, StringComparison.Ordinal);

    private static ResampleFilter Filter(string name) => Enum.Parse<ResampleFilter>(name, ignoreCase: true);
}
