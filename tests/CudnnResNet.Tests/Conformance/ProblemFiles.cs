using System.Text.RegularExpressions;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Conformance;

/// <summary>
/// The problem lines of the folder Problems: one a line, <c>#</c> starts a comment, <c>{f32,bf16}</c> stands for one
/// line with each.
/// </summary>
internal static partial class ProblemFiles
{
    public static IReadOnlyList<string> Lines { get; } = [.. Read()];

    public static IReadOnlyList<Problem> Problems { get; } = [.. Lines.Select(ProblemParser.Parse)];

    private static IEnumerable<string> Read()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "Conformance", "Problems");
        foreach (string file in Directory.GetFiles(folder, "*.txt").Order())
            foreach (string row in File.ReadLines(file))
                if (row.Split('#')[0].Trim() is { Length: > 0 } line)
                    foreach (string expanded in Expand(line))
                        yield return expanded;
    }

    private static IEnumerable<string> Expand(string line)
    {
        Match match = Alternatives().Match(line);
        return match.Success
            ? match.Groups[1].Value.Split(',').SelectMany(choice =>
                Expand(line[..match.Index] + choice + line[(match.Index + match.Length)..]))
            : [line];
    }

    [GeneratedRegex(@"\{([^}]*)\}")]
    private static partial Regex Alternatives();
}
