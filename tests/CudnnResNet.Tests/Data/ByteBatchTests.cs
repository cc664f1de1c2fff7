using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

/// <summary>Batches of bytes are the batches of floats before these are normalised.</summary>
public class ByteBatchTests
{
    private static readonly Normalization Colours = new([0.1f, 0.2f, 0.3f], [0.3f, 0.2f, 0.1f]);

    /// <summary>Two roundings apart at most: (v / 255 - mean) / deviation against v * scale + shift, on numbers up to 9.</summary>
    private const double Tolerance = 4e-6;

    [Theory]
    [InlineData(0, false, 0)]
    [InlineData(2, true, 0)]
    [InlineData(1, true, 1)]
    [InlineData(5, false, 1)]
    public void AreTheFloatsBeforeTheyAreNormalised(int padding, bool flip, double cutMix)
    {
        ByteImageSet set = Set(37, 7, 5, 3);
        LoaderOptions options = new(8, Shuffle: true, Seed: 5, new Augmentation(padding, flip) { CutMix = cutMix }, Colours) { Threads = 2 };
        using BatchLoader floats = new(set, options), bytes = new(set, options with { Accepted = BatchForm.Files });
        for (int i = 0; i < 12; i++)
            RequireEqual(floats.Next(), bytes.Next());
    }

    /// <summary>What bytes cannot hold stays float.</summary>
    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0, 0.4)]
    public void ErasingAndMixupKeepFloats(double erasing, double mixup)
    {
        LoaderOptions options = new(4, Shuffle: false, Seed: 1, Augmentation.None with { Erasing = erasing, Mixup = mixup }, Colours) { Accepted = BatchForm.Files };
        using BatchLoader loader = new(Set(8, 4, 4, 3), options);
        Assert.Equal(BatchForm.Floats, loader.Next().Form);
    }

    [Fact]
    public void SetsOfFloatsKeepFloats()
    {
        LoaderOptions options = new(4, Shuffle: false, Seed: 1, Augmentation.None, Normalization.None) { Accepted = BatchForm.Files };
        using BatchLoader loader = new(new NumberedImages(8), options);
        Assert.Equal(BatchForm.Floats, loader.Next().Form);
        Assert.Equal(BatchForm.Floats, new EvaluationBatches(new NumberedImages(8), 3, Normalization.None, accepted: BatchForm.Bytes).Read(0).Form);
    }

    [Fact]
    public void EvaluationBatchesAsWell()
    {
        ByteImageSet set = Set(7, 4, 6, 3);
        EvaluationBatches floats = new(set, 3, Colours), bytes = new(set, 3, Colours, accepted: BatchForm.Bytes);
        for (int i = 0; i < floats.BatchCount; i++)
            RequireEqual(floats.Read(i), bytes.Read(i));
    }

    private static void RequireEqual(Batch floats, Batch bytes)
    {
        Assert.Equal((BatchForm.Bytes, BatchForm.Floats), (bytes.Form, floats.Form));
        Assert.Equal(floats.Labels, bytes.Labels);
        Assert.Equal((floats.Count, floats.Epoch, floats.EndsEpoch, floats.After), (bytes.Count, bytes.Epoch, bytes.EndsEpoch, bytes.After));
        float[] normalised = new float[bytes.Bytes.Length];
        new ByteNormalizer(Colours, 3).Apply(bytes.Bytes, normalised);
        Assert.Equal(floats.Images.Length, normalised.Length);
        for (int i = 0; i < normalised.Length; i++)
            Assert.Equal(floats.Images[i], normalised[i], Tolerance);
    }

    private static ByteImageSet Set(int count, int height, int width, int channels)
    {
        byte[] pixels = new byte[count * height * width * channels];
        new Random(2).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (height, width, channels), [.. Enumerable.Range(0, count)], [.. Enumerable.Range(0, count).Select(i => $"{i}")]);
    }
}
