namespace CudnnResNet.Data;

/// <summary>Labelled images of one size, by index. Immutable; any number of threads may read at once.</summary>
public interface IDataSet
{
    string Name { get; }

    /// <summary>Number of images.</summary>
    int Count { get; }

    int Height { get; }

    int Width { get; }

    int Channels { get; }

    int ClassCount { get; }

    /// <summary>One name per class.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>The class of an image, from 0 to <see cref="ClassCount"/> - 1.</summary>
    int Label(int index);

    /// <summary>
    /// Writes one image as [Height, Width, Channels]. Byte sources deliver value / 255 in float32, so 0 to 1; float sources
    /// deliver what they hold.
    /// </summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <param name="nhwc">Exactly Height * Width * Channels elements.</param>
    void ReadImage(int index, Span<float> nhwc);
}

public static class DataSets
{
    /// <summary>Elements of one image.</summary>
    public static int ImageElements(this IDataSet set) => set.Height * set.Width * set.Channels;
}
