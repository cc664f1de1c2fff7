using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>The names of a network's classes.</summary>
internal static class ClassNames
{
    private const int ImageNetClasses = 1000;
    private const string ImageNetFile = "Assets/imagenet-classes/names.txt";

    /// <summary>
    /// From a file with one a line; else those that the weights came with, ImageNet's for a network of 1,000 classes, the
    /// data's, or numbers.
    /// </summary>
    /// <exception cref="ResNetException">The file cannot be read, or has another number of lines.</exception>
    public static IReadOnlyList<string> Of(string? file, WeightsFile weights, int classes, IDataSet? data = null)
    {
        if (file is not null)
            return Read(file, classes);
        if (weights.ClassNamesFor(classes) is { } own)
            return own;
        return classes == ImageNetClasses ? File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, ImageNetFile))
            : data?.ClassNames is { } names && names.Count == ResNetSpec.LabelsOf(classes) ? names
            : [.. Enumerable.Range(0, ResNetSpec.LabelsOf(classes)).Select(label => $"{label}")];
    }

    /// <summary>Those of a network of so many classes that a file's metadata give; null where they do not.</summary>
    public static IReadOnlyList<string>? In(IReadOnlyDictionary<string, string> metadata, string path, int classes) =>
        Checkpoint.ClassNamesOf(metadata, path) is { } names && names.Count == ResNetSpec.LabelsOf(classes) ? names : null;

    /// <summary>What to warn of where labelled data are not those that the weights were trained on; null where all is well.</summary>
    public static string? Disagreement(WeightsFile weights, int classes, IDataSet data)
    {
        if (weights.ClassNamesFor(classes) is not { } own || data.ClassNames.Select((name, label) => name == $"{label}").All(isNumber => isNumber))
            return null;
        for (int label = 0; label < data.ClassNames.Count; label++)
            if (data.ClassNames[label] != own[label])
                return $"class {label} is '{own[label]}' in {weights.Path} and '{data.ClassNames[label]}' in {data.Name}";
        return null;
    }

    private static string[] Read(string file, int classes)
    {
        string[] names;
        try
        {
            names = File.ReadAllLines(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{file}: cannot be read ({error.Message}); give a file with one class name a line", error);
        }
        return names.Length == ResNetSpec.LabelsOf(classes)
            ? names
            : throw new ResNetException($"{file}: has {names.Length} lines, but the network has {classes} classes; one a line is needed");
    }
}
