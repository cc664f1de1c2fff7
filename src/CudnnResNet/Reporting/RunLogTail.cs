using System.Text;
using System.Text.Json;

namespace CudnnResNet.Reporting;

/// <summary>The last line of a run log that may have been cut by a kill.</summary>
internal static class RunLogTail
{
    // Far more than any line of ours: a longer one is a sign of another file.
    private const int LongestLineBytes = 1 << 20;

    /// <summary>
    /// Leaves <paramref name="file"/> positioned after a whole last line: a cut one is removed, a whole one that lacks
    /// its line feed gets it.
    /// </summary>
    /// <exception cref="ResNetException">The last line is not the beginning of a JSON object.</exception>
    internal static void MakeWhole(FileStream file, string path)
    {
        byte[] tail = ReadTail(file);
        if (tail.Length == 0)
            return;
        if (tail[0] is not ((byte)'{' or 0))
        {
            throw new ResNetException(
                $"'{path}' is not a run log: its last line begins with '{Shorten(tail)}'. Name another file.");
        }

        if (IsWhole(tail))
            file.WriteByte((byte)'\n');
        else
            file.SetLength(file.Length - tail.Length);
        file.Seek(0, SeekOrigin.End);
    }

    /// <summary>
    /// Removes the lines of steps after <paramref name="step"/> and everything behind the first of them, in one cut: a kill
    /// meanwhile leaves either log. Lines that are no log's are for the reader to complain about.
    /// </summary>
    internal static void CutAfter(FileStream file, long step)
    {
        file.Seek(0, SeekOrigin.Begin);
        long lineBegin = 0;
        foreach (byte[] line in LinesOf(file))
        {
            if (StepOf(line) > step)
            {
                file.SetLength(lineBegin);
                break;
            }
            lineBegin += line.Length;
        }
        file.Seek(0, SeekOrigin.End);
    }

    private static long StepOf(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("step"u8, out JsonElement step)
                && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out long number) ? number : 0;
        }
        catch (JsonException)
        {
            return 0;
        }
    }

    /// <summary>Whole lines with their line feeds.</summary>
    private static IEnumerable<byte[]> LinesOf(FileStream file)
    {
        byte[] piece = new byte[1 << 16];
        List<byte> line = [];
        for (int count; (count = file.Read(piece)) > 0;)
            for (int i = 0; i < count; i++)
            {
                line.Add(piece[i]);
                if (piece[i] != (byte)'\n')
                    continue;
                yield return [.. line];
                line.Clear();
            }
    }

    internal static bool IsWhole(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    internal static string Shorten(ReadOnlySpan<byte> line) => Encoding.UTF8.GetString(line[..Math.Min(40, line.Length)]);

    // The bytes after the last line feed, or all of a file that has none.
    private static byte[] ReadTail(FileStream file)
    {
        int count = (int)Math.Min(file.Length, LongestLineBytes);
        byte[] end = new byte[count];
        file.Seek(-count, SeekOrigin.End);
        file.ReadExactly(end);
        int lineFeed = Array.LastIndexOf(end, (byte)'\n');
        return end[(lineFeed + 1)..];
    }
}
