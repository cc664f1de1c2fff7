using System.Globalization;
using System.Text.RegularExpressions;

namespace CudnnResNet.Weights;

/// <summary>
/// How one library names a ResNet's tensors, as lines of a table (Names/*.map): a name with numbers as <c>{s}</c>, an
/// optional piece in brackets and any ending as <c>*</c>, then torchvision's name, where <c>{s+1}</c> counts from one.
/// </summary>
public sealed partial class NameMap
{
    private const string Folder = "Names/";
    private const string Suffix = ".map";

    private readonly (Regex Pattern, string Name)[] _lines;

    private NameMap(string convention, IEnumerable<string> lines)
    {
        Convention = convention;
        _lines = [.. lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(line => (PatternOf(line[0]), line[1]))];
    }

    /// <summary>Whose names they are.</summary>
    public string Convention { get; }

    /// <summary>Every table; torchvision's first.</summary>
    public static IReadOnlyList<NameMap> All { get; } =
        [.. new[] { "torchvision", "timm-resnetv2", "huggingface" }.Select(name => new NameMap(name, Lines(name + Suffix)))];

    private static readonly string[] Wrappers = [.. Lines("wrappers.txt")];

    /// <summary>torchvision's name; null where the table has none.</summary>
    public string? Translate(string name)
    {
        foreach ((Regex pattern, string translation) in _lines)
            if (pattern.Match(name) is { Success: true } match)
                return Placeholder().Replace(translation, place => place.Value switch
                {
                    "*" => match.Groups["rest"].Value,
                    _ => (long.Parse(match.Groups[place.Groups["n"].Value].ValueSpan, CultureInfo.InvariantCulture)
                        + (place.Groups["plus"].Success ? 1 : 0)).ToString(CultureInfo.InvariantCulture),
                });
        return null;
    }

    /// <summary>
    /// The names without what wraps all of them, translated by the table that knows most of them. Names that it does not
    /// know stay.
    /// </summary>
    public static (string Convention, string[] Names) Translate(IReadOnlyList<string> names)
    {
        string[] bare = [.. names];
        while (bare.Length > 0 && Wrappers.FirstOrDefault(
            wrapper => bare.All(name => name.StartsWith(wrapper, StringComparison.Ordinal))) is { } common)
            bare = [.. bare.Select(name => name[common.Length..])];
        (NameMap Map, string?[] Names, int Known) best = All
            .Select(map => (map, names: (string?[])[.. bare.Select(map.Translate)]))
            .Select(made => (made.map, made.names, made.names.Count(name => name is not null)))
            .MaxBy(made => made.Item3);
        return (best.Map.Convention, [.. best.Names.Zip(bare, (translated, name) => translated ?? name)]);
    }

    private static Regex PatternOf(string text)
    {
        string escaped = Regex.Escape(text).Replace("\\*", "(?<rest>.+)", StringComparison.Ordinal);
        escaped = EscapedNumber().Replace(escaped, "(?<$1>[0-9]{1,4})");
        escaped = EscapedOptional().Replace(escaped, "(?:$1)?");
        return new Regex($"^{escaped}$", RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }

    private static IEnumerable<string> Lines(string file)
    {
        using Stream stream = typeof(NameMap).Assembly.GetManifestResourceStream(Folder + file)
            ?? throw new InvalidOperationException($"the program lacks its table {file}");
        using StreamReader reader = new(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith('#'))];
    }

    [GeneratedRegex(@"\*|\{(?<n>[a-z])(?<plus>\+1)?\}")]
    private static partial Regex Placeholder();

    /// <summary>Regex.Escape leaves a closing brace alone.</summary>
    [GeneratedRegex(@"\\\{([a-z])\}")]
    private static partial Regex EscapedNumber();

    /// <summary>So with brackets.</summary>
    [GeneratedRegex(@"\\\[([^\]]+)\]")]
    private static partial Regex EscapedOptional();
}
