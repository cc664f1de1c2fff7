using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Xml;
using System.Xml.Linq;

namespace CudnnResNet.Reporting;

/// <summary>A run as its folder tells of it; of a run that was killed, or whose files were damaged, whatever can be read.</summary>
/// <param name="Name">To tell it from other runs.</param>
/// <param name="Log">Perhaps without any step.</param>
public sealed record RunRecord(string Name, RunLog Log)
{
    public RunDescription? Description { get; init; }

    public RunPredictions? Predictions { get; init; }

    /// <summary>An svg element.</summary>
    public string? MemorySvg { get; init; }

    /// <summary>What is not there or cannot be read, one sentence each.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    /// <summary>Of the training steps, all epochs together, evaluations excluded.</summary>
    public double TrainingSeconds => Log.Epochs.Sum(epoch => epoch.Seconds);

    /// <summary>Of the last header: what the run was last continued with.</summary>
    public IReadOnlyList<NamedValue> Options => Log.Headers.Count > 0 ? Log.Headers[^1].Options : [];

    /// <param name="path">The folder of a run, or its log.</param>
    /// <exception cref="ResNetException">Neither.</exception>
    public static RunRecord Read(string path)
    {
        bool isLog = File.Exists(path);
        if (!isLog && !Directory.Exists(path))
            throw new ResNetException($"'{path}' does not exist; give the folder that a run was written to");
        string folder = isLog ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        string logPath = isLog ? path : Path.Combine(folder, RunFolder.LogFile);
        if (!File.Exists(logPath) && Path.Combine(folder, RunFolder.PackedLogFile) is var packed && File.Exists(packed))
            logPath = packed;
        // A log that lies elsewhere, or under another name, has nothing to do with its neighbours.
        bool hasNeighbours = !isLog || IsLogOfFolder(Path.GetFileName(path));

        List<string> missing = [];
        RunLog? log = ReadLog(logPath, missing);
        RunDescription? description = hasNeighbours
            ? ReadJson(folder, RunFolder.DescriptionFile, "class names and memory figures", RunJson.Default.RunDescription, FaultOf, missing)
            : null;
        if (description is null && log is null or { Headers.Count: 0, Steps.Count: 0, Epochs.Count: 0 })
            throw new ResNetException($"'{path}' is no run: it has neither a {RunFolder.LogFile} with steps nor a {RunFolder.DescriptionFile}; "
                + "give the folder that train --out wrote");
        log ??= new RunLog([], [], [], null);
        if (description is { TotalSteps: var total } && (log.Steps.Count == 0 || log.Steps[^1].Step < total))
            missing.Insert(0, Text($"The run did not reach its end: {(log.Steps.Count == 0 ? 0 : log.Steps[^1].Step)} of {total} steps are there."));
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        return new RunRecord(isLog && IsLogOfFolder(name) ? Path.GetFileName(folder) : name, log)
        {
            Description = description,
            // Before the first evaluation there is nothing to miss.
            Predictions = hasNeighbours && (log.Epochs.Any(epoch => epoch.TestAccuracy is not null) || File.Exists(Path.Combine(folder, RunFolder.PredictionsFile)))
                ? ReadJson(folder, RunFolder.PredictionsFile, "confusion matrix and pictures", RunJson.Default.RunPredictions, value => value.Fault(), missing)
                : null,
            MemorySvg = hasNeighbours ? ReadSvg(folder, missing) : null,
            Missing = missing,
        };
    }

    private static bool IsLogOfFolder(string file) => file is RunFolder.LogFile or RunFolder.PackedLogFile;

    private static RunLog? ReadLog(string path, List<string> missing)
    {
        if (!File.Exists(path))
        {
            missing.Add($"{RunFolder.LogFile} (all curves) is missing.");
            return null;
        }

        RunLog log = RunLogReader.Read(path, skipDamagedLines: true);
        string name = Path.GetFileName(path);
        if (log.CutLine is { } cut)
            missing.Add(Text($"The last line of {name} was cut off after {cut.Length} characters; it is left out."));
        if (log.DamagedLines.Count > 0)
            missing.Add(Text($"{log.DamagedLines.Count} lines of {name} cannot be read and are left out, the first is line {log.DamagedLines[0]}."));
        if (log.Headers.Count == 0)
            missing.Add($"{name} has no line with options, versions and the command.");
        return log;
    }

    private static T? ReadJson<T>(
        string folder, string file, string holds, JsonTypeInfo<T> type, Func<T, string?> faultOf, List<string> missing)
        where T : class
    {
        string path = Path.Combine(folder, file);
        if (!File.Exists(path))
        {
            missing.Add($"{file} ({holds}) is missing.");
            return null;
        }

        string? fault;
        try
        {
            if (JsonSerializer.Deserialize(File.ReadAllBytes(path), type) is { } value)
            {
                fault = faultOf(value);
                if (fault is null)
                    return value;
            }
            else
            {
                fault = "it is null";
            }
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            fault = error.Message;
        }

        missing.Add($"{file} ({holds}) cannot be read: {fault}.");
        return null;
    }

    private static string? ReadSvg(string folder, List<string> missing)
    {
        string path = Path.Combine(folder, RunFolder.MemoryFile);
        if (!File.Exists(path))
        {
            missing.Add($"{RunFolder.MemoryFile} (the drawing of the memory plan) is missing.");
            return null;
        }

        try
        {
            string svg = File.ReadAllText(path);
            if (XDocument.Parse(svg).Root!.Name.LocalName == "svg")
                return svg;
            missing.Add($"{RunFolder.MemoryFile} is no drawing and is left out.");
        }
        catch (Exception error) when (error is XmlException or IOException or UnauthorizedAccessException)
        {
            missing.Add($"{RunFolder.MemoryFile} cannot be read: {error.Message}");
        }

        return null;
    }

    private static string? FaultOf(RunDescription description) =>
        description.Title is null || description.Network is null || description.Device is null
            || description.ClassNames is null || description.Memory is null
            ? "a property is missing"
            : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
