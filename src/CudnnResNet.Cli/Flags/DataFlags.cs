using System.CommandLine;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Flags;

/// <summary>A data set as it was named.</summary>
/// <param name="Name">As given.</param>
/// <param name="Root">The folder of a whole known set; null where its package puts it.</param>
internal sealed record DataRequest(string Name, string? Root)
{
    public const string FolderPrefix = "npy:";
    public const string FashionMnistName = "fashion-mnist";
    public const string SubsetName = "fashion-mnist-subset";

    /// <summary>The set has a test part of its own.</summary>
    public bool HasTestPart => Name is FashionMnistName or SubsetName;

    /// <param name="train">The training part, where the set has two.</param>
    /// <param name="classes">Classes of the network; null takes those that occur.</param>
    /// <exception cref="ResNetException">No such set, or its files are missing or damaged.</exception>
    public IDataSet Load(bool train, int? classes)
    {
        if (Root is not null && Name != FashionMnistName)
            throw new ResNetException($"--data-root is the folder of {FashionMnistName}; --data {Name} takes none");
        // One logit tells two classes apart.
        int? labels = classes == 1 ? 2 : classes;
        return Name switch
        {
            FashionMnistName => FashionMnist.Load(Root, train),
            SubsetName => FashionMnist.LoadBundled(train),
            _ when Name.StartsWith(FolderPrefix, StringComparison.Ordinal) =>
                NpyFolder.Load(Name[FolderPrefix.Length..], labels),
            _ => throw new ResNetException($"--data is '{Name}'; give {FashionMnistName}, {SubsetName} or {FolderPrefix}DIR"),
        };
    }
}

/// <summary>The flags that name data.</summary>
internal sealed class DataFlags
{
    public Option<string?> Data { get; } = Flag.Text("--data", "NAME|npy:DIR",
        "fashion-mnist, fashion-mnist-subset (bundled), or npy:DIR with images.npy (float32 NCHW or uint8 NHWC) and labels.npy (int64).");

    private readonly Option<string?> _root = Flag.Text("--data-root", "DIR",
        "The folder of fashion-mnist's four IDX files (default: Debian's package).");

    public void AddTo(Command command)
    {
        command.Add(Data);
        command.Add(_root);
    }

    public DataRequest Read(ParseResult parsed) => new(parsed.Required(Data), parsed.GetValue(_root));

    public DataRequest Read(ParseResult parsed, Option<string?> other) => parsed.Required(other) is var name
        && name == DataRequest.FashionMnistName ? new(name, parsed.GetValue(_root)) : new(name, null);
}
