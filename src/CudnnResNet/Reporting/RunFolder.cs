using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace CudnnResNet.Reporting;

/// <summary>The files of a run that its report is made of, and how they are written.</summary>
public static class RunFolder
{
    public const string LogFile = "run.jsonl";

    /// <summary>A log that was packed to be kept, in place of <see cref="LogFile"/>.</summary>
    public const string PackedLogFile = LogFile + ".gz";

    public const string DescriptionFile = "run.json";
    public const string PredictionsFile = "predictions.json";
    public const string MemoryFile = "memory.svg";
    public const string ReportFile = "report.html";

    /// <summary>Replaces the description whole or not at all.</summary>
    /// <exception cref="ResNetException">It cannot be written.</exception>
    public static void Write(string folder, RunDescription description, string memorySvg)
    {
        Replace(Path.Combine(folder, MemoryFile), System.Text.Encoding.UTF8.GetBytes(memorySvg));
        Write(folder, DescriptionFile, description, RunJson.Default.RunDescription);
    }

    /// <inheritdoc cref="Write(string, RunDescription, string)"/>
    public static void Write(string folder, RunPredictions predictions) =>
        Write(folder, PredictionsFile, predictions, RunJson.Default.RunPredictions);

    private static void Write<T>(string folder, string file, T value, JsonTypeInfo<T> type) =>
        Replace(Path.Combine(folder, file), JsonSerializer.SerializeToUtf8Bytes(value, type));

    private static void Replace(string path, byte[] bytes) => AtomicFile.Write(path, file => file.Write(bytes));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RunDescription))]
[JsonSerializable(typeof(RunPredictions))]
internal sealed partial class RunJson : JsonSerializerContext;
