namespace CudnnResNet.Cli.Commands;

/// <summary>Accuracy and mistakes class by class, as text.</summary>
internal static class ConfusionTable
{
    /// <summary>More columns do not fit a terminal.</summary>
    public const int MostClasses = 16;

    private const int NameCharacters = 16;

    /// <summary>A row for each true class: its name, images, accuracy, and how often each class was predicted.</summary>
    public static void Write(TextWriter output, EvalReport report)
    {
        int[] columns = [.. report.Confusion.SelectMany(cell => cell[..2]).Distinct().Order()];
        if (columns.Length > MostClasses)
            return;
        Dictionary<(int, int), int> counts = report.Confusion.ToDictionary(cell => (cell[0], cell[1]), cell => cell[2]);
        TextTable table = new(["class", ">images", ">accuracy", .. columns.Select(column => $">{column}")]);
        foreach (ClassReport row in report.Classes)
            table.Add([$"{row.Class} {Shorten(row.Name)}", $"{row.Images}", $"{row.Top1:F1} %",
                .. columns.Select(column => counts.TryGetValue((row.Class, column), out int count) ? $"{count}" : ".")]);
        table.WriteTo(output);
    }

    private static string Shorten(string name) => name.Length <= NameCharacters ? name : name[..(NameCharacters - 1)] + "…";
}
