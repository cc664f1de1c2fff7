namespace CudnnResNet.Data;

/// <summary>A folder of IDX files by MNIST's names: train- and t10k-, images-idx3-ubyte and labels-idx1-ubyte, plain or gzip.</summary>
public static class IdxFolder
{
    public static bool HasParts(string folder) => Find(folder, ImagesOf(train: true)) is not null && Find(folder, ImagesOf(train: false)) is not null;

    /// <exception cref="ResNetException">A file is missing or damaged.</exception>
    public static ByteImageSet Load(string folder, bool train, int? classes)
    {
        string images = Require(folder, ImagesOf(train));
        string labels = Require(folder, $"{Prefix(train)}-labels-idx1-ubyte");
        int count = classes ?? IdxFile.Read(labels).Data.DefaultIfEmpty().Max() + 1;
        return IdxImages.Load(folder, images, labels, [.. Enumerable.Range(0, count).Select(label => $"{label}")]);
    }

    private static string Prefix(bool train) => train ? "train" : "t10k";

    private static string ImagesOf(bool train) => $"{Prefix(train)}-images-idx3-ubyte";

    private static string Require(string folder, string name) => Find(folder, name)
        ?? throw new ResNetException($"{folder}: holds no {name} or {name}.gz; give the folder of the four IDX files");

    private static string? Find(string folder, string name) =>
        ((string[])[$"{name}.gz", name]).Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
}
