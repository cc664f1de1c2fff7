using System.Buffers;
using System.Text.Json;
using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>
/// Writes a run as JSON lines, each handed to the operating system before the call returns, so that a killed run keeps
/// what it reported. A step line is <c>{"step":1,"epoch":1,"loss":2.3,"lr":0.1,"imagesPerSecond":812.5}</c>, with
/// <c>"accuracy"</c> where it was measured; run and epoch lines carry a <c>"kind"</c>. Numbers have round-trip digits;
/// JSON has no NaN, so values that are not finite are the strings "NaN", "Infinity" and "-Infinity".
/// </summary>
public sealed class RunLogWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly string _path;
    private readonly bool _stepLinesOnly;
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly Utf8JsonWriter _json;

    private RunLogWriter(FileStream file, string path, bool stepLinesOnly)
    {
        _file = file;
        _path = path;
        _stepLinesOnly = stepLinesOnly;
        _json = new Utf8JsonWriter(_line);
    }

    /// <summary>Starts a new log at <paramref name="path"/>, replacing the file that is there.</summary>
    /// <param name="stepLinesOnly">Leave out run and epoch lines, for readers that expect a loss on every line.</param>
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static RunLogWriter Create(string path, bool stepLinesOnly = false) =>
        new(Open(path, FileMode.Create), path, stepLinesOnly);

    /// <summary>
    /// Continues the log at <paramref name="path"/>, or starts it. A last line that a killed run left half written is
    /// removed, so that every line of the file is whole; and so are the lines of later steps than
    /// <paramref name="afterStep"/>, which the continued run makes again.
    /// </summary>
    /// <param name="path">The log.</param>
    /// <param name="afterStep">The step at which the run continues.</param>
    /// <param name="stepLinesOnly">Leave out run and epoch lines, for readers that expect a loss on every line.</param>
    /// <exception cref="ResNetException">The file cannot be written, or is no run log.</exception>
    public static RunLogWriter Append(string path, long afterStep, bool stepLinesOnly = false)
    {
        FileStream file = Open(path, FileMode.OpenOrCreate);
        try
        {
            RunLogTail.MakeWhole(file, path);
            RunLogTail.CutAfter(file, afterStep);
            return new RunLogWriter(file, path, stepLinesOnly);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Write(RunHeader header)
    {
        if (_stepLinesOnly)
            return;
        Begin();
        _json.WriteString("kind"u8, "run"u8);
        _json.WriteString("startedAt"u8, header.StartedAt);
        WriteMap("options"u8, header.Options);
        WriteMap("versions"u8, header.Versions);
        if (header.Machine.Count > 0)
            WriteMap("machine"u8, header.Machine);
        if (header.Command is { } command)
            _json.WriteString("command"u8, command);
        End();
    }

    /// <summary>Writes one step line; allocates nothing once the buffer has grown to the longest line.</summary>
    public void Write(in StepRecord step)
    {
        Begin();
        _json.WriteNumber("step"u8, step.Step);
        _json.WriteNumber("epoch"u8, step.Epoch);
        WriteNumber("loss"u8, step.Loss);
        WriteNumber("lr"u8, step.LearningRate);
        WriteNumber("imagesPerSecond"u8, step.ImagesPerSecond);
        WriteMeasured("accuracy"u8, step.Accuracy);
        End();
    }

    public void Write(EpochRecord epoch)
    {
        if (_stepLinesOnly)
            return;
        Begin();
        _json.WriteString("kind"u8, "epoch"u8);
        _json.WriteNumber("epoch"u8, epoch.Epoch);
        _json.WriteNumber("step"u8, epoch.Step);
        WriteMeasured("testLoss"u8, epoch.TestLoss);
        WriteMeasured("testAccuracy"u8, epoch.TestAccuracy);
        WriteMeasured("trainLoss"u8, epoch.TrainLoss);
        WriteMeasured("trainAccuracy"u8, epoch.TrainAccuracy);
        WriteMeasured("emaTestLoss"u8, epoch.EmaTestLoss);
        WriteMeasured("emaTestAccuracy"u8, epoch.EmaTestAccuracy);
        WriteNumber("seconds"u8, epoch.Seconds);
        End();
    }

    /// <summary>What was written outlives a power cut from here on: a checkpoint must not know more steps than the log.</summary>
    /// <exception cref="ResNetException">The disk refuses.</exception>
    public void FlushToDisk()
    {
        try
        {
            _file.Flush(flushToDisk: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failed(error);
        }
    }

    public void Dispose()
    {
        _json.Dispose();
        _file.Dispose();
    }

    private static FileStream Open(string path, FileMode mode)
    {
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { Length: > 0 } folder)
                Directory.CreateDirectory(folder);
            // No buffer of its own: each line is one write to the operating system.
            return new FileStream(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ResNetException($"cannot write the run log '{path}': {error.Message} Name another file.", error);
        }
    }

    private void Begin()
    {
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.GetSpan(1)[0] = (byte)'\n';
        _line.Advance(1);
        try
        {
            _file.Write(_line.WrittenSpan);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failed(error);
        }
    }

    private ResNetException Failed(Exception error) => new(
        $"the run log {_path} cannot be written: {error.Message.TrimEnd('.')}; free some space, or choose another folder", error);

    private void WriteMap(ReadOnlySpan<byte> name, IReadOnlyList<NamedValue> values)
    {
        _json.WriteStartObject(name);
        foreach (NamedValue value in values)
            _json.WriteString(value.Name, value.Value);
        _json.WriteEndObject();
    }

    private void WriteMeasured(ReadOnlySpan<byte> name, double? value)
    {
        if (value is { } measured)
            WriteNumber(name, measured);
    }

    private void WriteNumber(ReadOnlySpan<byte> name, double value)
    {
        if (double.IsFinite(value))
            _json.WriteNumber(name, value);
        else if (double.IsNaN(value))
            _json.WriteString(name, "NaN"u8);
        else
            _json.WriteString(name, value > 0 ? "Infinity"u8 : "-Infinity"u8);
    }
}
