namespace CudnnResNet.Data;

/// <summary>Images as float32 in memory, delivered as they are.</summary>
public sealed class FloatImageSet : IDataSet
{
    private readonly float[] _nhwc;
    private readonly int[] _labels;

    /// <summary>Takes float32 [N, C, H, W], the layout of files, and holds it as [N, H, W, C].</summary>
    /// <exception cref="ResNetException">No images, a number of labels that differs, a label that is no class, or a value that is not finite.</exception>
    public FloatImageSet(string name, ReadOnlySpan<float> nchw, (int Height, int Width, int Channels) image, int[] labels, IReadOnlyList<string> classNames)
    {
        (Height, Width, Channels) = image;
        int elements = checked(Height * Width * Channels);
        ImageLabels.Check(name, nchw.Length, elements, labels, classNames.Count);
        (Name, ClassNames, _labels) = (name, classNames, labels);
        _nhwc = new float[nchw.Length];
        for (int n = 0; n < labels.Length; n++)
            ToNhwc(nchw.Slice(n * elements, elements), _nhwc.AsSpan(n * elements, elements), n);
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
        int elements = Height * Width * Channels;
        _nhwc.AsSpan(index * elements, elements).CopyTo(nhwc);
    }

    private void ToNhwc(ReadOnlySpan<float> chw, Span<float> hwc, int n)
    {
        int plane = Height * Width;
        for (int c = 0; c < Channels; c++)
        {
            for (int i = 0; i < plane; i++)
            {
                float value = chw[c * plane + i];
                if (!float.IsFinite(value))
                    throw new ResNetException($"{Name}: image {n} holds {value} in channel {c}; every value must be finite");
                hwc[i * Channels + c] = value;
            }
        }
    }
}
