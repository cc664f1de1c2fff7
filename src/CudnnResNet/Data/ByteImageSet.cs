namespace CudnnResNet.Data;

/// <summary>Images as bytes [N, H, W, C] in memory, delivered as value / 255.</summary>
public sealed class ByteImageSet : IByteImages
{
    private static readonly float[] Scaled = [.. Enumerable.Range(0, 256).Select(value => value / 255f)];

    private readonly byte[] _nhwc;
    private readonly int[] _labels;

    /// <exception cref="ResNetException">No images, a number of labels that differs, or a label that is no class.</exception>
    public ByteImageSet(string name, byte[] nhwc, (int Height, int Width, int Channels) image, int[] labels, IReadOnlyList<string> classNames)
    {
        (Height, Width, Channels) = image;
        ImageLabels.Check(name, nhwc.Length, checked(Height * Width * Channels), labels, classNames.Count);
        (Name, ClassNames, _nhwc, _labels) = (name, classNames, nhwc, labels);
    }

    public string Name { get; }

    public int Count => _labels.Length;

    public int Height { get; }

    public int Width { get; }

    public int Channels { get; }

    public int ClassCount => ClassNames.Count;

    public IReadOnlyList<string> ClassNames { get; }

    public int Label(int index) => _labels[index];

    public void ReadImage(int index, Span<float> nhwc)
    {
        ReadOnlySpan<byte> image = ReadBytes(index);
        nhwc = nhwc[..image.Length];
        for (int i = 0; i < image.Length; i++)
            nhwc[i] = Scaled[image[i]];
    }

    public void ReadBytes(int index, Span<byte> hwc) => ReadBytes(index).CopyTo(hwc);

    /// <summary>One image as it is stored, [H, W, C].</summary>
    public ReadOnlySpan<byte> ReadBytes(int index)
    {
        int elements = Height * Width * Channels;
        return _nhwc.AsSpan(index * elements, elements);
    }
}
