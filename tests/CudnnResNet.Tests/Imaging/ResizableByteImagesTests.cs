using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Imaging;

/// <summary>Images in memory in other sizes: the pixels of the same images in files.</summary>
public class ResizableByteImagesTests
{
    private const int Side = 28;
    private const int Count = 9;

    [ImagingTheory]
    [InlineData(1, 14)]
    [InlineData(1, 9)]
    [InlineData(1, 40)]
    [InlineData(3, 20)]
    [InlineData(3, 33)]
    public void PixelsAreThoseOfFiles(int channels, int side)
    {
        using TemporaryFolder folder = new();
        ByteImageSet set = Noise(channels);
        string[] files = [.. Enumerable.Range(0, Count).Select(i => folder.File($"{i}.png"))];
        for (int i = 0; i < Count; i++)
            File.WriteAllBytes(files[i], PngWriter.Encode(set.ReadBytes(i), Side, Side, channels));
        ImageFileSet inFiles = new(new ImageListing("files", files, new int[Count], ["a"]), new ImageOptions { Evaluation = new EvaluationTransform(side, side) });
        IDataSet resized = Assert.IsAssignableFrom<IResizableImages>(ResizableByteImages.Of(set)).WithSize(side);
        Assert.Equal((Count, side, side, channels), (resized.Count, resized.Height, resized.Width, resized.Channels));
        byte[] expected = new byte[side * side * 3], actual = new byte[side * side * channels];
        for (int i = 0; i < Count; i++)
        {
            inFiles.ReadBytes(i, expected);
            ((IByteImages)resized).ReadBytes(i, actual);
            Assert.Equal(channels == 3 ? expected : expected.Where((_, at) => at % 3 == 0), actual);
            Assert.Equal(set.Label(i), resized.Label(i));
        }
    }

    /// <summary>By the definition: a triangle as wide as a pixel of the smaller image, in double precision. Two passes round to whole levels, each by a half.</summary>
    [ImagingFact]
    public void HalfTheSizeIsTheTrianglesMean()
    {
        ByteImageSet set = Noise(1);
        IByteImages half = (IByteImages)((IResizableImages)ResizableByteImages.Of(set)).WithSize(Side / 2);
        byte[] actual = new byte[Side * Side / 4];
        half.ReadBytes(4, actual);
        byte[] image = set.ReadBytes(4).ToArray();
        for (int y = 0; y < Side / 2; y++)
            for (int x = 0; x < Side / 2; x++)
            {
                double sum = 0, weights = 0;
                for (int row = 0; row < Side; row++)
                    for (int column = 0; column < Side; column++)
                    {
                        double weight = Triangle((row + 0.5) / 2 - (y + 0.5)) * Triangle((column + 0.5) / 2 - (x + 0.5));
                        sum += weight * image[row * Side + column];
                        weights += weight;
                    }
                Assert.InRange(actual[y * Side / 2 + x], sum / weights - 1.1, sum / weights + 1.1);
            }

        static double Triangle(double x) => Math.Max(0, 1 - Math.Abs(x));
    }

    [Fact]
    public void WhatIsNoSquareOfBytesStaysAsItIs()
    {
        ByteImageSet set = Noise(1);
        Assert.Same(set, ((IResizableImages)ResizableByteImages.Of(set)).WithSize(Side));
        ByteImageSet flat = new("flat", new byte[2 * 4 * 5], (4, 5, 1), [0, 0], ["a"]), four = new("four", new byte[4 * 4 * 4], (4, 4, 4), [0], ["a"]);
        FloatImageSet floats = new("floats", new float[16], (4, 4, 1), [0], ["a"]);
        foreach (IDataSet other in (IDataSet[])[flat, four, floats])
            Assert.Same(other, ResizableByteImages.Of(other));
        // 2^30 squared times the images overflows 64 bits.
        foreach (int side in (int[])[20000, 1 << 30, 0])
            Assert.Contains("are held in memory at once", Assert.Throws<ResNetException>(() =>
                ((IResizableImages)ResizableByteImages.Of(set)).WithSize(side)).Message, StringComparison.Ordinal);
    }

    private static ByteImageSet Noise(int channels)
    {
        byte[] pixels = new byte[Count * Side * Side * channels];
        new Random(channels).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (Side, Side, channels), [.. Enumerable.Range(0, Count).Select(i => i % 2)], ["a", "b"]);
    }
}
