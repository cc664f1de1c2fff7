using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Imaging;

/// <summary>JPEG and PNG files as a data set.</summary>
public sealed class ImageFileSet : EncodedImageSet
{
    private readonly PathTable _paths;
    private readonly int[] _labels;

    /// <exception cref="ResNetException">An option is out of range, or a library that reads images is missing.</exception>
    public ImageFileSet(ImageListing listing, ImageOptions options)
        : base(options, new ImageWorkers(options.Limits))
    {
        options.Evaluation.Validate();
        options.Training.Validate();
        if (ImagingProbe.Run().Refusal is { } missing)
            throw new ResNetException($"images cannot be read: {missing}");
        (Name, ClassNames, _labels) = (listing.Name, listing.ClassNames, listing.Labels);
        ImageLabels.Check(Name, listing.Paths.Count, 1, _labels, ClassNames.Count);
        _paths = new PathTable(listing.Paths);
    }

    private ImageFileSet(ImageFileSet set, ImageOptions options)
        : base(options, set.Workers) =>
        (Name, ClassNames, _labels, _paths) = (set.Name, set.ClassNames, set._labels, set._paths);

    public override string Name { get; }

    public override int Count => _labels.Length;

    public override IReadOnlyList<string> ClassNames { get; }

    public override ISampleSource WithSize(int side) =>
        new ImageFileSet(this, Options with { Evaluation = Options.Evaluation.WithSize(side) });

    public override int Label(int index) => _labels[index];

    public string Path(int index) => _paths[index];

    private protected override ReadOnlySpan<byte> File(int index, ImageWorker worker) =>
        worker.Files.Read(_paths, index, Options.Limits.MaxFileBytes);

    private protected override DamagedImageException Named(int index, DamagedImageException damage) =>
        damage.Message.StartsWith(':') ? new(_paths[index] + damage.Message, damage) : damage;
}
