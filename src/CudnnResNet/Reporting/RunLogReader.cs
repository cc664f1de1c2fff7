using System.Text;
using System.Text.Json;
using CudnnResNet.Data;
using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>
/// Reads what <see cref="RunLogWriter"/> wrote. A resumed run repeats the steps since its checkpoint: its lines replace
/// the earlier ones. A last line that a kill cut short is reported, not an error; lines of unknown kinds are skipped.
/// </summary>
public sealed class RunLogReader
{
    private readonly string _path;
    private readonly List<RunHeader> _headers = [];
    private readonly List<StepRecord> _steps = [];
    private readonly List<EpochRecord> _epochs = [];
    private readonly List<int>? _damagedLines;

    private RunLogReader(string path, bool skipDamagedLines)
    {
        _path = path;
        _damagedLines = skipDamagedLines ? [] : null;
    }

    /// <param name="path">The log, as it is or packed by gzip.</param>
    /// <param name="skipDamagedLines">Leave malformed lines out and count them, instead of refusing the file.</param>
    /// <exception cref="ResNetException">The file is missing or unreadable, or a line before the last is malformed.</exception>
    public static RunLog Read(string path, bool skipDamagedLines = false)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ResNetException($"cannot read the run log '{path}': {error.Message}", error);
        }

        if (GzipReader.HasMagic(bytes))
            bytes = Unpack(bytes, path);
        return new RunLogReader(path, skipDamagedLines).Read(bytes);
    }

    private static byte[] Unpack(byte[] packed, string path)
    {
        using GzipReader gzip = new(packed, path);
        using MemoryStream log = new();
        byte[] chunk = new byte[1 << 16];
        for (int count = chunk.Length; count == chunk.Length;)
        {
            count = gzip.Read(chunk);
            log.Write(chunk, 0, count);
        }
        gzip.Finish();
        return log.ToArray();
    }

    private RunLog Read(ReadOnlyMemory<byte> bytes)
    {
        string? cutLine = null;
        for (int number = 1; !bytes.IsEmpty; number++)
        {
            int lineFeed = bytes.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> line = lineFeed < 0 ? bytes : bytes[..lineFeed];
            bytes = lineFeed < 0 ? default : bytes[(lineFeed + 1)..];
            if (lineFeed < 0 && !RunLogTail.IsWhole(line))
                cutLine = Encoding.UTF8.GetString(line.Span);
            else if (!line.Span.Trim(" \r\t"u8).IsEmpty)
                AddLine(line, number);
        }

        return new RunLog(_headers, _steps, _epochs, cutLine) { DamagedLines = _damagedLines ?? [] };
    }

    private void AddLine(ReadOnlyMemory<byte> line, int number)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            Add(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            if (_damagedLines is not null)
            {
                _damagedLines.Add(number);
                return;
            }

            throw new ResNetException(
                $"'{_path}' line {number} is not a line of a run log: '{RunLogTail.Shorten(line.Span)}' ({error.Message})", error);
        }
    }

    private void Add(JsonElement line)
    {
        string? kind = line.TryGetProperty("kind"u8, out JsonElement value) ? value.GetString() : null;
        switch (kind)
        {
            case null:
                AddStep(line);
                break;
            case "epoch":
                AddEpoch(line);
                break;
            case "run":
                _headers.Add(new RunHeader(
                    Property(line, "startedAt").GetDateTimeOffset(), Map(line, "options"), Map(line, "versions"))
                {
                    Machine = line.TryGetProperty("machine"u8, out _) ? Map(line, "machine") : [],
                    Command = line.TryGetProperty("command"u8, out JsonElement command) ? command.GetString() : null,
                });
                break;
        }
    }

    private void AddStep(JsonElement line)
    {
        var step = new StepRecord(
            Property(line, "step").GetInt64(),
            Property(line, "epoch").GetInt32(),
            Number(Property(line, "loss")),
            Number(Property(line, "lr")),
            Number(Property(line, "imagesPerSecond")),
            Measured(line, "accuracy"));
        while (_steps.Count > 0 && _steps[^1].Step >= step.Step)
            _steps.RemoveAt(_steps.Count - 1);
        // An epoch that closed at a step now taken again is closed again later.
        while (_epochs.Count > 0 && _epochs[^1].Step >= step.Step)
            _epochs.RemoveAt(_epochs.Count - 1);
        _steps.Add(step);
    }

    private void AddEpoch(JsonElement line)
    {
        var epoch = new EpochRecord(
            Property(line, "epoch").GetInt32(),
            Property(line, "step").GetInt64(),
            Measured(line, "testLoss"),
            Measured(line, "testAccuracy"),
            Measured(line, "trainLoss"),
            Measured(line, "trainAccuracy"),
            Number(Property(line, "seconds")))
        {
            EmaTestLoss = Measured(line, "emaTestLoss"),
            EmaTestAccuracy = Measured(line, "emaTestAccuracy"),
        };
        while (_epochs.Count > 0 && _epochs[^1].Epoch >= epoch.Epoch)
            _epochs.RemoveAt(_epochs.Count - 1);
        _epochs.Add(epoch);
    }

    private static List<NamedValue> Map(JsonElement line, string name)
    {
        List<NamedValue> values = [];
        foreach (JsonProperty property in Property(line, name).EnumerateObject())
            values.Add(new NamedValue(property.Name, property.Value.GetString() ?? ""));
        return values;
    }

    private static double? Measured(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? Number(value) : null;

    private static JsonElement Property(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement value) ? value : throw new FormatException($"'{name}' is missing");

    private static double Number(JsonElement value) => value.ValueKind != JsonValueKind.String
        ? value.GetDouble()
        : value.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            var text => throw new FormatException($"'{text}' is not a number"),
        };
}
