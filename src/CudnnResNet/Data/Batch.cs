using CudnnResNet.Kernels;

namespace CudnnResNet.Data;

/// <summary>What the images of a batch are.</summary>
public enum BatchForm
{
    /// <summary>Normalised numbers.</summary>
    Floats,

    /// <summary>Pixels; whoever takes them normalises.</summary>
    Bytes,

    /// <summary>JPEG files with crops; whoever takes them decodes and scales as well.</summary>
    Files,
}

/// <summary>A batch of fixed shape in memory that its maker uses again: valid until the next batch is asked for.</summary>
public sealed class Batch
{
    private readonly float[] _images = [];
    private readonly byte[] _bytes = [];
    private readonly int[] _labels;

    private readonly EncodedImage[] _files = [];

    internal Batch(int size, int imageElements, BatchForm form = BatchForm.Floats)
    {
        Form = form;
        if (form == BatchForm.Files)
            _files = [.. Enumerable.Range(0, size).Select(_ => new EncodedImage())];
        else if (form == BatchForm.Bytes)
            _bytes = new byte[(long)size * imageElements];
        else
            _images = new float[(long)size * imageElements];
        _labels = new int[size];
    }

    /// <summary>Which of <see cref="Images"/>, <see cref="Bytes"/> and <see cref="Files"/> there are.</summary>
    public BatchForm Form { get; }

    /// <summary>float32 [batch, H, W, C], augmented and normalised.</summary>
    public ReadOnlySpan<float> Images => _images;

    /// <summary>uint8 [batch, H, W, C], augmented; whoever takes them normalises.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>One for each image.</summary>
    public ReadOnlySpan<EncodedImage> Files => _files;

    /// <summary>Makes pixels of an image of <see cref="Files"/>, by its number, as the batch's maker decodes it; its label may become another.</summary>
    internal Action<int> DecodeOnHost { get; set; } = _ => { };

    /// <summary>int32 [batch].</summary>
    public ReadOnlySpan<int> Labels => _labels;

    /// <summary>How many samples count; fewer than the batch only in the last batch of an evaluation, whose rest repeats the last sample.</summary>
    public int Count { get; internal set; }

    /// <summary>
    /// The epoch that the batch belongs to, from 1. A batch that starts with the carried remainder of an epoch is the first
    /// of the next.
    /// </summary>
    public long Epoch { get; internal set; }

    /// <summary>The next batch belongs to the next epoch.</summary>
    public bool EndsEpoch { get; internal set; }

    /// <summary>Where to start a loader that goes on after this batch.</summary>
    public LoaderPosition After { get; internal set; }

    internal Span<float> MutableImages => _images;

    internal Span<byte> MutableBytes => _bytes;

    internal Span<int> MutableLabels => _labels;

    /// <exception cref="ResNetException">The size is not positive, or its images take over 2 GB.</exception>
    internal static void CheckSize(int size, IDataSet data)
    {
        if (size < 1)
            throw new ResNetException($"a batch of {size} is not possible; it must be 1 or more");
        if ((long)size * data.ImageElements() > Array.MaxLength / sizeof(float))
            throw new ResNetException($"a batch of {size} images of {data.Height} x {data.Width} x {data.Channels} takes over 2 GB; use a smaller batch");
    }
}
