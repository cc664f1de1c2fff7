using System.Globalization;

namespace CudnnResNet.Cli;

internal enum ClassifiedFormat
{
    Text,
    JsonLines,
    Csv,
}

/// <summary>Prints classified images as they come.</summary>
internal sealed class ClassifiedPrinter(TextWriter output, ClassifiedFormat format, int top)
{
    private const int BarCharacters = 24;
    private const int NameCharacters = 32;

    public void Begin()
    {
        if (format == ClassifiedFormat.Csv)
            output.WriteLine(string.Join(',', ((string[])["file"]).Concat(
                Enumerable.Range(1, top).SelectMany(i => new[] { $"class{i}", $"name{i}", $"probability{i}" }))));
    }

    public void Print(Classified image)
    {
        if (format == ClassifiedFormat.JsonLines)
            output.WriteLine(Json.Text(image, Json.Default.Classified));
        else if (image.Top is not { } classes)
            return;
        else if (format == ClassifiedFormat.Csv)
            output.WriteLine(string.Join(',', ((string[])[Cell(image.File)]).Concat(classes.SelectMany(likely => new[]
            {
                $"{likely.Class}", Cell(likely.Name), likely.Probability.ToString("0.######", CultureInfo.InvariantCulture),
            }))));
        else
            PrintText(image.File, classes);
    }

    private void PrintText(string file, IReadOnlyList<LikelyClass> classes)
    {
        output.WriteLine(file);
        foreach (LikelyClass likely in classes)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {100 * likely.Probability,5:F1} %  {Bar(likely.Probability)}  {likely.Class,4}  {Shorten(likely.Name)}"));
    }

    /// <summary>In eighths of a character.</summary>
    private static string Bar(double probability)
    {
        int eighths = (int)Math.Round(probability * BarCharacters * 8);
        string bar = new string('█', eighths / 8) + (eighths % 8 is > 0 and var rest ? $"{" ▏▎▍▌▋▊▉"[rest]}" : "");
        return bar.PadRight(BarCharacters);
    }

    private static string Shorten(string name) => name.Length <= NameCharacters ? name : name[..(NameCharacters - 1)] + "…";

    /// <summary>In quotes where it must be (RFC 4180).</summary>
    internal static string Cell(string text) => text.AsSpan().IndexOfAny(",\"\n\r") < 0
        ? text
        : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
