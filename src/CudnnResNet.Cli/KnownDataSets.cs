using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;

namespace CudnnResNet.Cli;

/// <summary>A data set that has a name of its own.</summary>
/// <param name="Name">As --data spells it.</param>
/// <param name="Description">In a few words.</param>
/// <param name="Path">Where it is looked for.</param>
/// <param name="Found">Its files are there.</param>
/// <param name="Remedy">Puts it there.</param>
internal sealed record DataSetReport(string Name, string Description, string Path, bool Found, string Remedy);

/// <summary>The data sets that have names, and whether they are here.</summary>
internal static class KnownDataSets
{
    private const string ProbeFile = "train-images-idx3-ubyte";

    public static IReadOnlyList<DataSetReport> Find() =>
    [
        Look(DataRequest.SubsetName, "6,000 and 1,000 images of Fashion-MNIST, bundled",
            FashionMnist.BundledPath, "build or install the program again"),
        Look(DataRequest.FashionMnistName, "60,000 and 10,000 grey images of clothing, 28 x 28, ten classes",
            FashionMnist.DebianFolder, $"apt-get install {FashionMnist.DebianPackage}"),
    ];

    private static DataSetReport Look(string name, string description, string folder, string remedy) =>
        new(name, description, folder, File.Exists(Path.Combine(folder, ProbeFile + ".gz")) || File.Exists(Path.Combine(folder, ProbeFile)), remedy);
}
