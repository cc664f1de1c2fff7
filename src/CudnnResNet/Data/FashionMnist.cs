using System.Collections.Immutable;

namespace CudnnResNet.Data;

/// <summary>
/// Fashion-MNIST (Xiao, Rasul and Vollgraf, arXiv:1708.07747): 28 x 28 grey images of ten kinds of clothing, 60,000 to train
/// and 10,000 to test; MIT licence.
/// </summary>
public static class FashionMnist
{
    /// <summary>Where Debian's package puts the files.</summary>
    public const string DebianFolder = "/usr/share/datasets/fashion-mnist";

    public const string DebianPackage = "dataset-fashion-mnist";

    private const string BundledFolder = "Assets/fashion-mnist-subset";

    /// <summary>Where the subset lies.</summary>
    public static string BundledPath => Path.Combine(AppContext.BaseDirectory, BundledFolder);

    public static ImmutableArray<string> ClassNames { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>The whole set, from its four IDX files, plain or gzip.</summary>
    /// <param name="root">The folder of the files; without one, where Debian's package puts them.</param>
    /// <param name="train">The training images, or the test images.</param>
    /// <exception cref="ResNetException">A file is missing or damaged.</exception>
    public static ByteImageSet Load(string? root, bool train)
    {
        string folder = root ?? DebianFolder;
        string remedy = root is null
            ? $"install it with: apt-get install {DebianPackage}; or give the folder of its four IDX files with --data-root"
            : $"give the folder of the four IDX files, or leave it out to use Debian's package {DebianPackage}";
        return Load($"fashion-mnist {Part(train)}", folder, train, remedy);
    }

    /// <summary>The class-balanced subset that lies beside the program: 6,000 images to train, 1,000 to test.</summary>
    /// <exception cref="ResNetException">A file is missing or damaged.</exception>
    public static ByteImageSet LoadBundled(bool train) =>
        Load($"fashion-mnist subset {Part(train)}", BundledPath, train,
            "it comes with the program, so build or install that again");

    private static ByteImageSet Load(string name, string folder, bool train, string remedy)
    {
        string prefix = train ? "train" : "t10k";
        ByteImageSet set = IdxImages.Load(
            name, Find(folder, $"{prefix}-images-idx3-ubyte", remedy), Find(folder, $"{prefix}-labels-idx1-ubyte", remedy), ClassNames);
        return (set.Height, set.Width, set.Channels) == (28, 28, 1)
            ? set
            : throw new ResNetException($"{folder}: images of {set.Height} x {set.Width} x {set.Channels}, but Fashion-MNIST has 28 x 28 x 1; {remedy}");
    }

    private static string Find(string folder, string file, string remedy)
    {
        string plain = Path.Combine(folder, file);
        string packed = plain + ".gz";
        return File.Exists(packed) ? packed
            : File.Exists(plain) ? plain
            : throw new ResNetException($"Fashion-MNIST: no {file}.gz in {folder}; {remedy}");
    }

    private static string Part(bool train) => train ? "train" : "test";
}
