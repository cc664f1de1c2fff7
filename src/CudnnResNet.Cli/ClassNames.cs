namespace CudnnResNet.Cli;

/// <summary>The names of a network's classes.</summary>
internal static class ClassNames
{
    private const int ImageNetClasses = 1000;
    private const string ImageNetFile = "Assets/imagenet-classes/names.txt";

    /// <summary>From a file with one a line; without one ImageNet's for a network of 1,000 classes, else numbers.</summary>
    /// <exception cref="ResNetException">The file cannot be read, or has another number of lines.</exception>
    public static IReadOnlyList<string> Of(string? file, int classes)
    {
        if (file is null)
            return classes == ImageNetClasses
                ? File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, ImageNetFile))
                : [.. Enumerable.Range(0, Math.Max(2, classes)).Select(label => $"{label}")];
        string[] names;
        try
        {
            names = File.ReadAllLines(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{file}: cannot be read ({error.Message}); give a file with one class name a line", error);
        }
        return names.Length == Math.Max(2, classes)
            ? names
            : throw new ResNetException($"{file}: has {names.Length} lines, but the network has {classes} classes; one a line is needed");
    }

    /// <summary>Those of a data set that only numbers its classes say less than the network's.</summary>
    public static IReadOnlyList<string> Of(IReadOnlyList<string> data, string? file, int classes) =>
        file is null && data.Count > 0 && data[0] != "0" ? data : Of(file, classes);
}
