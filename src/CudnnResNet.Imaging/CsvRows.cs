using System.Text;

namespace CudnnResNet.Imaging;

/// <summary>Rows of comma-separated text (RFC 4180); empty lines are left out.</summary>
internal static class CsvRows
{
    /// <exception cref="ResNetException">The file cannot be read, or a quote is not closed.</exception>
    public static List<string[]> Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{path}: cannot be read ({error.Message}); give a file with a path and a label in each row", error);
        }
        return Parse(text, path);
    }

    internal static List<string[]> Parse(string text, string name)
    {
        List<string[]> rows = [];
        List<string> row = [];
        StringBuilder cell = new();
        bool isQuoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (isQuoted)
            {
                if (c != '"')
                    cell.Append(c);
                else if (i + 1 < text.Length && text[i + 1] == '"')
                    cell.Append(text[i++]);
                else
                    isQuoted = false;
            }
            else if (c == '"' && cell.Length == 0)
            {
                isQuoted = true;
            }
            else if (c is ',' or '\n')
            {
                row.Add(cell.ToString());
                cell.Clear();
                if (c == '\n')
                    EndRow();
            }
            else if (c != '\r')
            {
                cell.Append(c);
            }
        }
        if (isQuoted)
            throw new ResNetException($"{name}: row {rows.Count + 1} has a quote that is not closed");
        row.Add(cell.ToString());
        EndRow();
        return rows;

        void EndRow()
        {
            if (row is not [""])
                rows.Add([.. row]);
            row.Clear();
        }
    }
}
