using System.Collections.Immutable;
using System.CommandLine;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Records;

namespace CudnnResNet.Cli.Flags;

/// <summary>A data set as it was named.</summary>
/// <param name="Name">As given.</param>
/// <param name="Root">The folder of a whole known set, or of the files that a CSV file names; null is the usual place.</param>
internal sealed record DataRequest(string Name, string? Root)
{
    public const string FolderPrefix = "npy:";
    public const string ImageFolderPrefix = "folder:";
    public const string CsvPrefix = "csv:";
    public const string RecordsPrefix = "records:";
    private const string IdxPrefix = "idx:";
    private const string Cifar10Prefix = "cifar10:";
    private const string Cifar100Prefix = "cifar100:";
    private const string TrainPart = "train";
    private const string TestPart = "val";
    public const string FashionMnistName = "fashion-mnist";
    public const string SubsetName = "fashion-mnist-subset";

    /// <summary>What becomes of image files.</summary>
    public ImageOptions Images { get; init; } = ImageOptions.Standard;

    /// <summary>The set has a test part of its own: an image folder has one where it holds the folders train and val.</summary>
    public bool HasTestPart => Name is FashionMnistName or SubsetName || (ImageFolder is { } images && HasParts(images))
        || (After(IdxPrefix) is { } idx && IdxFolder.HasParts(idx))
        || (After(Cifar10Prefix) is { } ten && CifarBinary.HasParts(ten, hundred: false))
        || (After(Cifar100Prefix) is { } hundred && CifarBinary.HasParts(hundred, hundred: true));

    /// <summary>Its images are colour photographs, which the world's networks saw by ImageNet's mean and deviation.</summary>
    public bool HoldsImageFiles => ImageFolder is not null || After(CsvPrefix) is not null || After(RecordsPrefix) is not null;

    private string? ImageFolder => After(ImageFolderPrefix);

    /// <summary>The files of an image folder or a CSV file; null for other kinds of set.</summary>
    /// <exception cref="ResNetException">Nothing is there, or a row is no path and label.</exception>
    public ImageListing? List(bool train, int? classes) => ImageFolder is { } folder
        ? ImageListing.OfFolder(HasParts(folder) ? Path.Combine(folder, train ? TrainPart : TestPart) : folder)
        : After(CsvPrefix) is { } file ? ImageListing.OfCsv(file, Root, classes) : null;

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
            _ when List(train, labels) is { } listing => new ImageFileSet(listing, Images),
            _ when After(RecordsPrefix) is { } file => new RecordSet(file, Images),
            _ when After(IdxPrefix) is { } folder => IdxFolder.Load(folder, train, labels),
            _ when After(Cifar10Prefix) is { } path => CifarBinary.Load(path, hundred: false, train),
            _ when After(Cifar100Prefix) is { } path => CifarBinary.Load(path, hundred: true, train),
            _ => throw new ResNetException($"--data is '{Name}'; give {FashionMnistName}, {SubsetName}, {FolderPrefix}DIR, {ImageFolderPrefix}DIR, "
                + $"{CsvPrefix}FILE, {RecordsPrefix}FILE, {IdxPrefix}DIR, {Cifar10Prefix}DIR or {Cifar100Prefix}DIR"),
        };
    }

    private string? After(string prefix) => Name.StartsWith(prefix, StringComparison.Ordinal) ? Name[prefix.Length..] : null;

    private static bool HasParts(string folder) =>
        Directory.Exists(Path.Combine(folder, TrainPart)) && Directory.Exists(Path.Combine(folder, TestPart));
}

/// <summary>The flags that name data.</summary>
internal sealed class DataFlags(bool trains = false)
{
    public Option<string?> Data { get; } = Flag.Text("--data", "NAME|KIND:PATH",
        "fashion-mnist, fashion-mnist-subset (bundled), npy:DIR with images.npy (float32 NCHW or uint8 NHWC) and labels.npy (int64), "
        + "folder:DIR with a sub-folder of JPEG and PNG files for each class (or with two such folders, train and val), csv:FILE with a "
        + "path and a label in each row, records:FILE of ./resnet data pack, idx:DIR, cifar10:DIR or cifar100:DIR (binary version).");

    private readonly Option<string?> _root = Flag.Text("--data-root", "DIR",
        "The folder of fashion-mnist's four IDX files (default: Debian's package), or of a CSV file's images (default: its own).");

    private readonly ImageFlags _images = new(trains);

    public void AddTo(Command command)
    {
        command.Add(Data);
        command.Add(_root);
        _images.AddTo(command);
    }

    /// <summary>The sizes of training images over the run; none where they do not change.</summary>
    public ImmutableArray<SizePoint> ImageSizes(ParseResult parsed) => _images.Sizes(parsed);

    public DataRequest Read(ParseResult parsed, Terminal terminal) =>
        new(parsed.Required(Data), parsed.GetValue(_root)) { Images = _images.Read(parsed, terminal) };

    public DataRequest Read(ParseResult parsed, Option<string?> other, Terminal terminal) => parsed.Required(other) is var name
        && name == DataRequest.FashionMnistName
        ? new(name, parsed.GetValue(_root))
        : new(name, null) { Images = _images.Read(parsed, terminal) };
}
