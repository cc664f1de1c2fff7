using System.CommandLine;
using System.Diagnostics;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Commands;

/// <summary>What data bench prints with --json.</summary>
internal sealed record DataBenchReport(string Data, int Batch, int Threads, double ImagesPerSecond, double ManagedBytesPerImage);

/// <summary>Measures how fast training batches are made.</summary>
internal sealed class DataBenchCommand(Terminal terminal)
{
    private const int DefaultBatch = 64;
    private const int DefaultSeconds = 15;

    private readonly DataFlags _data = new(trains: true);
    private readonly AugmentationFlags _augmentation = new();
    private readonly Option<int?> _batch = Flag.Whole("--batch", $"Images of a batch (default {DefaultBatch}).");
    private readonly Option<int?> _threads = Flag.Whole("--threads", "Of the loader (default: all cores).");
    private readonly Option<int?> _seconds = Flag.Whole("--seconds", $"Length of the measurement (default {DefaultSeconds}).");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        DataBenchCommand bench = new(terminal);
        Command command = new("bench", "Measure how many images a second the loader makes training batches of.");
        bench._data.AddTo(command);
        bench._augmentation.AddTo(command);
        command.Add(bench._batch);
        command.Add(bench._threads);
        command.Add(bench._seconds);
        command.Add(bench._json);
        command.SetAction(bench.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        IDataSet data = _data.Read(parsed, terminal).Load(train: true, classes: null);
        int threads = parsed.Positive(_threads, Environment.ProcessorCount);
        int batch = Math.Min(parsed.Positive(_batch, DefaultBatch), data.Count);
        LoaderOptions options = new(batch, Shuffle: true, Seed: 1, _augmentation.Read(parsed, data),
            data.Channels == 3 ? Normalization.ImageNet : Normalization.None)
        {
            Threads = threads,
        };
        double length = parsed.Positive(_seconds, DefaultSeconds);
        using BatchLoader loader = new(data, options);
        // Until the memory is warm and the code is compiled a second time.
        for (long warmUp = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(warmUp).TotalSeconds < Math.Min(3, length);)
            loader.Next();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long start = Stopwatch.GetTimestamp();
        long images = 0;
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < length)
            images += loader.Next().Count;
        DataBenchReport report = new(data.Name, batch, threads, images / Stopwatch.GetElapsedTime(start).TotalSeconds,
            (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / images);
        terminal.Output.WriteLine(parsed.GetValue(_json)
            ? Json.Text(report, Json.Default.DataBenchReport)
            : $"{report.Data}: {report.ImagesPerSecond:F0} images/s in batches of {batch} on {threads} thread{(threads == 1 ? "" : "s")}, "
                + $"{report.ManagedBytesPerImage:F1} managed bytes an image");
        return CommandLine.Done;
    }
}
