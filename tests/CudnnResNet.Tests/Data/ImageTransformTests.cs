using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class ImageTransformTests
{
    /// <summary>The picture padded with zeros in memory, cut out of it, flipped, then normalised: torchvision's order, step by step.</summary>
    [Fact]
    public void EveryCropAndFlipIsThatOfThePaddedPicture()
    {
        const int height = 3, width = 4, channels = 2, padding = 2;
        float[] mean = [0.25f, 0.5f], std = [0.5f, 2f];
        var image = new float[height * width * channels];
        new NumberedImages(8, height, width, channels).ReadImage(7, image);
        var transform = new ImageTransform(new NumberedImages(1, height, width, channels), new Normalization([.. mean], [.. std]));

        var padded = new float[height + 2 * padding, width + 2 * padding, channels];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < channels; c++)
                    padded[y + padding, x + padding, c] = image[(y * width + x) * channels + c];
            }
        }

        var actual = new float[image.Length];
        for (int top = 0; top <= 2 * padding; top++)
        {
            for (int left = 0; left <= 2 * padding; left++)
            {
                foreach (bool flip in new[] { false, true })
                {
                    transform.Apply(image, actual, top - padding, left - padding, flip);
                    for (int i = 0; i < actual.Length; i++)
                    {
                        (int y, int x, int c) = (i / (width * channels), i / channels % width, i % channels);
                        float expected = (padded[top + y, left + (flip ? width - 1 - x : x), c] - mean[c]) / std[c];
                        Assert.Equal(expected, actual[i]);
                    }
                }
            }
        }
    }

    [Fact]
    public void CropsAndFlipsAreUniformAndPaddingBecomesZeroBeforeNormalising()
    {
        const int padding = 1, count = 4500;
        // 3 x 3 pixels, so that the nine crops and both flips of them all differ.
        var set = new NumberedImages(count, 3, 3);
        var options = new LoaderOptions(count, false, 5, Augmentation.Standard(padding), new Normalization([1f], [1f]));
        using var loader = new BatchLoader(set, options);
        ReadOnlySpan<float> images = loader.Next().Images;

        var transform = new ImageTransform(set, options.Normalization);
        float[] raw = new float[9], candidate = new float[9];
        var seen = new int[18];
        for (int n = 0; n < count; n++)
        {
            set.ReadImage(n, raw);
            int matches = 0;
            for (int kind = 0; kind < 18; kind++)
            {
                transform.Apply(raw, candidate, kind / 6 - 1, kind / 2 % 3 - 1, kind % 2 == 1);
                if (!images.Slice(n * 9, 9).SequenceEqual(candidate))
                    continue;
                seen[kind]++;
                matches++;
            }
            // Image 0 holds zeros in its first pixel and is one picture more often.
            Assert.True(n == 0 || matches == 1, $"image {n} is {matches} of the 18 pictures");
        }
        // 250 of each are expected; the standard deviation is 15.4, and seven of them never happen by chance.
        Assert.All(seen, kind => Assert.InRange(kind, 250 - 108, 250 + 108));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void APaddingThatDoesNotFitIsRefused(int padding)
    {
        var options = new LoaderOptions(1, true, 0, new Augmentation(padding, false), Normalization.None);
        Assert.Contains($"padding of {padding}", Assert.Throws<ResNetException>(() => new BatchLoader(new NumberedImages(1, 5, 3), options)).Message);
    }
}
