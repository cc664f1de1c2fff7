using System.Globalization;

namespace CudnnResNet.Imaging;

/// <summary>Image files with labels.</summary>
/// <param name="Name">Of the set.</param>
/// <param name="Paths">One for each image.</param>
/// <param name="Labels">One for each image, from 0.</param>
/// <param name="ClassNames">At least as many as there are labels.</param>
public sealed record ImageListing(string Name, IReadOnlyList<string> Paths, int[] Labels, IReadOnlyList<string> ClassNames)
{
    /// <summary>A label beyond this is damage; ImageNet's largest edition has 21,841 classes.</summary>
    private const int MaxClasses = 65_536;

    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png"];

    /// <summary>A folder with a sub-folder for each class; classes are numbered in the order of their names' code points, as torchvision's ImageFolder.</summary>
    /// <exception cref="ResNetException">No folder, no sub-folders, or no images in them.</exception>
    public static ImageListing OfFolder(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ResNetException($"{folder}: no such folder; give one that holds a sub-folder of images for each class");
        string[] classFolders = Directory.GetDirectories(folder);
        Array.Sort(classFolders, string.CompareOrdinal);
        List<string> paths = [];
        List<int> labels = [];
        for (int label = 0; label < classFolders.Length; label++)
            foreach (string path in ImagesIn(classFolders[label]))
            {
                paths.Add(path);
                labels.Add(label);
            }
        if (paths.Count == 0)
            throw new ResNetException($"{folder}: no JPEG or PNG files in sub-folders; it must hold a sub-folder of images for each class");
        return new ImageListing(folder, paths, [.. labels], [.. classFolders.Select(path => Path.GetFileName(path))]);
    }

    /// <summary>
    /// Rows of a path and a label: a number from 0, or a class's name. A first row that names its columns may put them
    /// anywhere (file or path; label or class). Paths are relative to <paramref name="root"/>, else to the file's folder or
    /// to the folder of its name without extension.
    /// </summary>
    /// <exception cref="ResNetException">The file cannot be read, or a row is no path and label.</exception>
    public static ImageListing OfCsv(string file, string? root = null, int? classes = null)
    {
        List<string[]> rows = CsvRows.Read(file);
        (int pathColumn, int labelColumn, bool hasHeader) = Columns(rows.FirstOrDefault() ?? []);
        if (hasHeader)
            rows.RemoveAt(0);
        if (rows.Count == 0)
            throw new ResNetException($"{file}: holds no images; a row is a path and a label");
        int shortest = rows.FindIndex(row => row.Length <= Math.Max(pathColumn, labelColumn));
        if (shortest >= 0)
            throw new ResNetException($"{file}: image {shortest + 1} has {rows[shortest].Length} columns; a path and a label are needed");

        string[] texts = [.. rows.Select(row => row[labelColumn])];
        (int[] labels, string[] names) = Label(file, texts, classes);
        string beside = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string inside = Path.Combine(beside, Path.GetFileNameWithoutExtension(file));
        return new ImageListing(file, [.. rows.Select(row => Locate(row[pathColumn]))], labels, names);

        string Locate(string path)
        {
            string expected = Path.Combine(root ?? beside, path);
            return root is null && !File.Exists(expected) && Path.Combine(inside, path) is var other && File.Exists(other) ? other : expected;
        }
    }

    /// <summary>Image files, or all that a folder holds, in order.</summary>
    /// <exception cref="ResNetException">A path is neither, or nothing is there.</exception>
    public static IReadOnlyList<string> OfPaths(IEnumerable<string> paths)
    {
        List<string> files = [];
        foreach (string path in paths)
        {
            if (!Directory.Exists(path))
                files.Add(path);
            else if (ImagesIn(path) is { Count: > 0 } found)
                files.AddRange(found);
            else
                throw new ResNetException($"{path}: no JPEG or PNG files in this folder");
        }
        return files;
    }

    private static List<string> ImagesIn(string folder)
    {
        List<string> files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(path => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))];
        files.Sort(string.CompareOrdinal);
        return files;
    }

    private static (int Path, int Label, bool HasHeader) Columns(string[] first)
    {
        int path = Array.FindIndex(first, cell => cell is "file" or "path" or "filename" or "image");
        int label = Array.FindIndex(first, cell => cell is "label" or "class" or "index");
        return path >= 0 && label >= 0 ? (path, label, true) : (0, 1, false);
    }

    private static (int[] Labels, string[] Names) Label(string file, string[] texts, int? classes)
    {
        if (texts.All(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            int[] labels = [.. texts.Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
            int limit = classes ?? MaxClasses;
            int wrong = Array.FindIndex(labels, label => label >= limit);
            if (wrong >= 0)
                throw new ResNetException($"{file}: label {labels[wrong]} of image {wrong + 1} is not from 0 to {limit - 1}");
            return (labels, [.. Enumerable.Range(0, classes ?? labels.Max() + 1).Select(label => $"{label}")]);
        }
        string[] names = [.. texts.Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, int> numbers = names.Select((name, number) => (name, number)).ToDictionary(pair => pair.name, pair => pair.number);
        return ([.. texts.Select(text => numbers[text])], names);
    }
}
