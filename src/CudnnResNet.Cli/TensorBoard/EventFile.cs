using System.Globalization;
using System.Text;
using CudnnResNet.Reporting;
using CudnnResNet.Training;
using Google.Protobuf;

namespace CudnnResNet.Cli.TensorBoard;

/// <summary>
/// A run as a TensorBoard event file: scalars of each step under <c>step/</c>, of each epoch under <c>epoch/</c>, and the
/// options as text. A run that is continued writes a further file into the same folder, as TensorBoard expects it.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const string FileVersion = "brain.Event:2";
    private const int StringType = 7;

    private readonly string _path;
    private readonly RecordWriter _records;
    private readonly Event _step;
    private readonly Summary.Types.Value[] _stepValues =
    [
        new() { Tag = "step/loss" },
        new() { Tag = "step/learning_rate" },
        new() { Tag = "step/images_per_second" },
    ];
    private readonly Summary.Types.Value _stepAccuracy = new() { Tag = "step/accuracy" };

    private EventFile(string path, Stream file)
    {
        _path = path;
        _records = new RecordWriter(file);
        _step = new Event { Summary = new Summary { Value = { _stepValues } } };
    }

    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public static EventFile Create(string folder)
    {
        // TensorBoard looks for "tfevents" and reads files in the order of their names.
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{DateTimeOffset.UtcNow.ToUnixTimeSeconds():D10}.{Environment.MachineName}.{Environment.ProcessId}.{Guid.NewGuid():N}"));
        try
        {
            Directory.CreateDirectory(folder);
            return Begin(path, new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"--tensorboard {folder}: cannot be written ({error.Message}); choose another folder", error);
        }
    }

    /// <summary>Begins the file that <paramref name="file"/> writes and names <paramref name="path"/> in errors; owns the stream.</summary>
    internal static EventFile Begin(string path, Stream file)
    {
        EventFile events = new(path, file);
        try
        {
            events.Write(new Event { WallTime = Now(), FileVersion = FileVersion });
            return events;
        }
        catch
        {
            events.Dispose();
            throw;
        }
    }

    public void Write(RunHeader header)
    {
        WriteText("run/command", header.Command is { } command ? $"    {command}" : "");
        WriteText("run/options", Table(header.Options));
        WriteText("run/versions", Table([.. header.Versions, .. header.Machine]));
    }

    /// <summary>Allocates nothing after the first step.</summary>
    public void Write(in StepRecord step)
    {
        _step.WallTime = Now();
        _step.Step = step.Step;
        _stepValues[0].SimpleValue = (float)step.Loss;
        _stepValues[1].SimpleValue = (float)step.LearningRate;
        _stepValues[2].SimpleValue = (float)step.ImagesPerSecond;
        if (step.Accuracy is { } accuracy)
        {
            _stepAccuracy.SimpleValue = (float)accuracy;
            if (_step.Summary.Value.Count == _stepValues.Length)
                _step.Summary.Value.Add(_stepAccuracy);
        }
        else if (_step.Summary.Value.Count > _stepValues.Length)
        {
            _step.Summary.Value.RemoveAt(_stepValues.Length);
        }
        Write(_step);
    }

    /// <summary>Under the number of the epoch's last step, so that it stands below the steps' curves.</summary>
    public void Write(EpochRecord epoch)
    {
        Event message = new() { WallTime = Now(), Step = epoch.Step, Summary = new Summary() };
        void Add(string tag, double? value)
        {
            if (value is { } number)
                message.Summary.Value.Add(new Summary.Types.Value { Tag = tag, SimpleValue = (float)number });
        }

        Add("epoch/number", epoch.Epoch);
        Add("epoch/test_loss", epoch.TestLoss);
        Add("epoch/test_accuracy", epoch.TestAccuracy);
        Add("epoch/ema_test_loss", epoch.EmaTestLoss);
        Add("epoch/ema_test_accuracy", epoch.EmaTestAccuracy);
        Add("epoch/train_loss", epoch.TrainLoss);
        Add("epoch/train_accuracy", epoch.TrainAccuracy);
        Add("epoch/seconds", epoch.Seconds);
        Write(message);
    }

    public void Dispose() => _records.Dispose();

    private void Write(Event message)
    {
        int bytes = message.CalculateSize();
        message.WriteTo(_records.Data(bytes));
        try
        {
            _records.Write(bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException(
                $"the TensorBoard file {_path} cannot be written: {error.Message.TrimEnd('.')}; free some space, or choose another folder", error);
        }
    }

    private void WriteText(string tag, string markdown) => Write(new Event
    {
        WallTime = Now(),
        Summary = new Summary
        {
            Value =
            {
                new Summary.Types.Value
                {
                    Tag = tag,
                    Tensor = new TensorProto
                    {
                        Dtype = StringType,
                        TensorShape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dim { Size = 1 } } },
                        StringVal = { ByteString.CopyFromUtf8(markdown) },
                    },
                    Metadata = new SummaryMetadata { PluginData = new SummaryMetadata.Types.PluginData { PluginName = "text" } },
                },
            },
        },
    });

    private static string Table(IReadOnlyList<NamedValue> rows)
    {
        StringBuilder table = new("| | |\n|---|---|\n");
        foreach (NamedValue row in rows)
            table.Append(CultureInfo.InvariantCulture, $"| {Cell(row.Name)} | {Cell(row.Value)} |\n");
        return table.ToString();
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static double Now() => (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds;
}
