using System.CommandLine;
using CudnnResNet.Data;
using CudnnResNet.Imaging;

namespace CudnnResNet.Cli.Flags;

/// <summary>A data set as it was named.</summary>
/// <param name="Name">As given.</param>
/// <param name="Root">The folder of a whole known set, or of the files that a CSV file names; null is the usual place.</param>
internal sealed record DataRequest(string Name, string? Root)
{
    public const string FolderPrefix = "npy:";
    public const string ImageFolderPrefix = "folder:";
    public const string CsvPrefix = "csv:";
    private const string TrainPart = "train";
    private const string TestPart = "val";
    public const string FashionMnistName = "fashion-mnist";
    public const string SubsetName = "fashion-mnist-subset";

    /// <summary>What becomes of image files.</summary>
    public ImageOptions Images { get; init; } = ImageOptions.Standard;

    /// <summary>The set has a test part of its own: an image folder has one where it holds the folders train and val.</summary>
    public bool HasTestPart => Name is FashionMnistName or SubsetName || (ImageFolder is { } folder && HasParts(folder));

    /// <summary>Its images are colour photographs in files, which the world's networks saw by ImageNet's mean and deviation.</summary>
    public bool HoldsImageFiles => ImageFolder is not null || Name.StartsWith(CsvPrefix, StringComparison.Ordinal);

    private string? ImageFolder => After(ImageFolderPrefix);

    /// <param name="train">The training part, where the set has two.</param>
    /// <param name="classes">Classes of the network; null takes those that occur.</param>
    /// <exception cref="ResNetException">No such set, or its files are missing or damaged.</exception>
    public IDataSet Load(bool train, int? classes)
    {
        if (Root is not null && Name != FashionMnistName && After(CsvPrefix) is null)
            throw new ResNetException($"--data-root is the folder of {FashionMnistName} or of the files that a CSV file names; --data {Name} takes none");
        // One logit tells two classes apart.
        int? labels = classes == 1 ? 2 : classes;
        return Name switch
        {
            FashionMnistName => FashionMnist.Load(Root, train),
            SubsetName => FashionMnist.LoadBundled(train),
            _ when After(FolderPrefix) is { } folder => NpyFolder.Load(folder, labels),
            _ when ImageFolder is { } folder => new ImageFileSet(ImageListing.OfFolder(
                HasParts(folder) ? Path.Combine(folder, train ? TrainPart : TestPart) : folder), Images),
            _ when After(CsvPrefix) is { } file => new ImageFileSet(ImageListing.OfCsv(file, Root, labels), Images),
            _ => throw new ResNetException(
                $"--data is '{Name}'; give {FashionMnistName}, {SubsetName}, {FolderPrefix}DIR, {ImageFolderPrefix}DIR or {CsvPrefix}FILE"),
        };
    }

    private string? After(string prefix) => Name.StartsWith(prefix, StringComparison.Ordinal) ? Name[prefix.Length..] : null;

    private static bool HasParts(string folder) =>
        Directory.Exists(Path.Combine(folder, TrainPart)) && Directory.Exists(Path.Combine(folder, TestPart));
}

/// <summary>The flags that name data.</summary>
internal sealed class DataFlags
{
    public Option<string?> Data { get; } = Flag.Text("--data", "NAME|KIND:PATH",
        "fashion-mnist, fashion-mnist-subset (bundled), npy:DIR with images.npy (float32 NCHW or uint8 NHWC) and labels.npy (int64), "
        + "folder:DIR with a sub-folder of JPEG and PNG files for each class, or csv:FILE with a path and a label in each row.");

    private readonly Option<string?> _root = Flag.Text("--data-root", "DIR",
        "The folder of fashion-mnist's four IDX files (default: Debian's package), or of a CSV file's images (default: its own).");

    private readonly ImageFlags _images = new();

    public void AddTo(Command command)
    {
        command.Add(Data);
        command.Add(_root);
        _images.AddTo(command);
    }

    public DataRequest Read(ParseResult parsed) =>
        new(parsed.Required(Data), parsed.GetValue(_root)) { Images = _images.Read(parsed) };

    public DataRequest Read(ParseResult parsed, Option<string?> other) => parsed.Required(other) is var name
        && name == DataRequest.FashionMnistName
        ? new(name, parsed.GetValue(_root))
        : new(name, null) { Images = _images.Read(parsed) };

    /// <summary>Counts images that cannot be read, and names them on standard error.</summary>
    public DamagedImages Damaged(ParseResult parsed, Terminal terminal) => _images.Damaged(parsed, terminal);
}
