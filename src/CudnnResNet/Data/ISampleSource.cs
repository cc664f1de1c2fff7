namespace CudnnResNet.Data;

/// <summary>A data set that makes its images from larger ones, which costs time, and can make them at random for training.</summary>
public interface ISampleSource : IByteImages, IResizableImages
{
    /// <summary>Counts the images that cannot be read.</summary>
    DamagedImages Damaged { get; }

    /// <summary>
    /// How training samples are made, in words. Sets of equal words make equal samples of equal files.
    /// </summary>
    string SampleRecipe { get; }

    /// <summary>The same images, <paramref name="side"/> pixels high and wide, of the same content: a share of memory, no copy.</summary>
    /// <exception cref="ResNetException">There are no images of that size.</exception>
    new ISampleSource WithSize(int side);

    IDataSet IResizableImages.WithSize(int side) => WithSize(side);

    /// <summary>Makes one training sample. Any number of threads may call at once.</summary>
    /// <param name="index">From 0 to Count - 1.</param>
    /// <param name="random">The sample's own numbers; equal numbers make equal samples.</param>
    /// <param name="hwc">Receives uint8 [Height, Width, Channels].</param>
    /// <exception cref="DamagedImageException">The image cannot be read.</exception>
    void ReadSample(int index, CounterRandom random, Span<byte> hwc);
}
