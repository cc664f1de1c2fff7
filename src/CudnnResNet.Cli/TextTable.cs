namespace CudnnResNet.Cli;

/// <summary>Columns of text, as wide as they need be. A heading that begins with &gt; aligns its column to the right.</summary>
internal sealed class TextTable(params string[] headings)
{
    private const string Gap = "  ";

    private readonly List<string[]> _rows = [[.. headings.Select(heading => heading.TrimStart('>'))]];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void WriteTo(TextWriter output)
    {
        int[] widths = [.. headings.Select((_, column) => _rows.Max(row => row[column].Length))];
        for (int i = 0; i < _rows.Count; i++)
        {
            WriteRow(_rows[i]);
            if (i == 0)
                output.WriteLine(new string('-', widths.Sum() + Gap.Length * (widths.Length - 1)));
        }

        void WriteRow(string[] row) => output.WriteLine(string.Join(Gap, row.Select((cell, column) =>
            headings[column].StartsWith('>') ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }
}
