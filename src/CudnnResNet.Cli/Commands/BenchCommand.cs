using System.CommandLine;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using CudnnResNet.Autodiff;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Cli.Plans;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli.Commands;

/// <summary>What bench prints with --json.</summary>
/// <param name="LatencyMs">One batch, from input in host memory to results in host memory; of training and of data, from a step's results to the next one's.</param>
/// <param name="ComputeMs">The same without the copies.</param>
/// <param name="PeakBytes">All memory of the plan, weights included.</param>
/// <param name="PlanSeconds">Compiling and measuring; little where the plan cache knew the answers.</param>
/// <param name="DisturbedMeasurements">Of the plan, by other processes: another start may take another plan.</param>
/// <param name="SamplesMs">Each batch's LatencyMs in order, where asked for.</param>
/// <param name="Data">What was trained on or served; left out for random images.</param>
/// <param name="InputWaitShare">With data: the share of the time, from 0 to 1, in which the step waited for the loader, or, where it keeps time, the device for input.</param>
/// <param name="DeviceIdleShare">The share of its time, from 0 to 1, in which the device had no step; left out where it keeps no time.</param>
internal sealed record BenchReport(string Mode, string Model, string Version, string Device, string Precision, int Batch,
    int ImageSize, int Threads, double ImagesPerSecond, Latency LatencyMs, Latency ComputeMs, long PeakBytes,
    double PlanSeconds, int DisturbedMeasurements, IReadOnlyDictionary<string, string> Libraries,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<double>? SamplesMs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Data = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? InputWaitShare = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? DeviceIdleShare = null);

/// <summary>Measures how fast a network serves or trains, on random images or on data.</summary>
internal sealed class BenchCommand(Terminal terminal, bool isTraining)
{
    private const int MostTracedBatches = 200;

    private readonly ModelFlags _model = new();
    private readonly WeightsFlags _weights = new("Use these weights, and the network that they are (default: fresh ones).");
    private readonly DeviceFlags _device = new();
    private readonly BenchDataFlags _data = new(isTraining);
    private readonly ProfileFlags _profile = new("measured batches");
    private readonly Option<BatchSize?> _batch = Flag.Batch("Images of a batch; auto: as many as the GPU's memory holds (default 1; training 16).");
    private readonly Option<int?> _imageSize = Flag.Whole("--image-size", "Height and width (default 224, or 32 for the small stems).");
    private readonly Option<double?> _seconds = Flag.Number("--seconds", "How long to measure (default 5); at least three batches are run.");
    private readonly Option<double?> _warmup = Flag.Number("--warmup", "Seconds before that (default 1); at least one batch is run.");
    private readonly Option<bool> _roofline = Flag.Switch("--roofline",
        "Print what the time goes to: bytes, operations, time and the least time at this machine's peaks, by kind of work and by block.");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");
    private readonly Option<bool> _samples = Flag.Switch("--samples", "With --json: every batch's time too.");

    public static Command Create(Terminal terminal)
    {
        Command command = new("bench", "Measure throughput and latency.")
        {
            new BenchCommand(terminal, isTraining: false).ToCommand("infer", "Measure inference."),
            new BenchCommand(terminal, isTraining: true).ToCommand("train", "Measure whole training steps."),
        };
        command.SetAction(int (_) => throw new ResNetException("bench measures two things; give bench infer or bench train"));
        return command;
    }

    private Command ToCommand(string name, string description)
    {
        Command command = new(name, description);
        _weights.AddTo(command);
        _model.AddTo(command);
        _data.AddTo(command);
        command.Add(_batch);
        command.Add(_imageSize);
        _device.AddTo(command);
        command.Add(_seconds);
        command.Add(_warmup);
        _profile.AddTo(command);
        command.Add(_roofline);
        command.Add(_json);
        command.Add(_samples);
        command.SetAction(Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DeviceRequest request = _device.Read(parsed);
        BenchData? data = _data.Read(parsed, _model.Read(parsed).Classes, terminal);
        ResNetSpec spec = Resolve(parsed, data?.Set);
        BatchSize wanted = parsed.GetValue(_batch) ?? new BatchSize(isTraining ? 16 : 1);
        if (data is not null && parsed.GetValue(_imageSize) is not null)
            throw new ResNetException($"{_imageSize.Name} and {_data.Name} both say how large images are; give one of them");
        (int height, int width) = data is null
            ? (parsed.Positive(_imageSize, spec.DefaultImageSize), parsed.Positive(_imageSize, spec.DefaultImageSize))
            : (data.Set.Height, data.Set.Width);
        double seconds = NotNegative(parsed, _seconds, 5);
        double warmup = NotNegative(parsed, _warmup, 1);
        Profile? profile = _profile.Read(parsed, terminal);
        bool hasRoofline = parsed.GetValue(_roofline);
        if (parsed.GetValue(_samples) && !parsed.GetValue(_json))
            throw new ResNetException($"{_samples.Name} has no effect without {_json.Name}; give both or neither");
        if (hasRoofline && parsed.GetValue(_json))
            throw new ResNetException($"{_roofline.Name} prints tables and {_json.Name} one object; give one of them");
        StepTrace? trace = profile?.Trace ?? (hasRoofline ? new StepTrace(firstStep: 1, MostTracedBatches) : null);
        using Device device = Devices.Open(request, terminal);
        MachinePeaks? peaks = hasRoofline ? device.Backend.MeasurePeaks(device.Precision) : null;
        Func<int, LayerGraph> graphOf = isTraining
            ? BatchSize.StepGraphs(spec, height, width, Step, device)
            : BatchSize.InferenceGraphs(spec, height, width, device);
        int batch = wanted.On(device, graphOf);
        Measured measured = BatchSize.WithAdvice(batch, graphOf, device, () => isTraining
            ? Train(parsed, spec, batch, height, width, data, device, warmup, seconds, trace)
            : Infer(parsed, spec, batch, height, width, data, device, warmup, seconds, trace));
        profile?.Finish();
        Latency latency = Latency.Of(measured.LatencyMs);
        BenchReport report = new(isTraining ? "train" : "infer", ModelText.Name(spec), ModelText.Word(spec.Version),
            device.Backend.Name, device.Precision.ShortName(), batch, height, device.Backend.Threads,
            batch * measured.LatencyMs.Count / (measured.LatencyMs.Sum() / 1000), latency, Latency.Of(measured.ComputeMs),
            measured.Compiled.Memory.PeakBytes, measured.Compiled.Seconds, measured.Compiled.DisturbedMeasurements,
            device.Libraries.ToDictionary(library => library.Name, library => library.Value),
            parsed.GetValue(_samples) ? measured.LatencyMs : null,
            data?.Set.Name, data is null ? null : measured.IdleShare ?? measured.WaitedMs / measured.LatencyMs.Sum(), measured.IdleShare);
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.BenchReport));
        else
            Print(report, spec, measured);
        if (hasRoofline)
        {
            terminal.Output.WriteLine();
            RooflinePrinter.Write(Roofline.Of(trace!, peaks), peaks, terminal.Output);
        }
        return CommandLine.Done;
    }

    private sealed record Measured(CompiledGraph Compiled, List<double> LatencyMs, List<double> ComputeMs)
    {
        public double WaitedMs { get; init; }

        public double? IdleShare { get; init; }
    }

    private Measured Infer(ParseResult parsed, ResNetSpec spec, int batch, int height, int width, BenchData? data, Device device,
        double warmup, double seconds, StepTrace? trace)
    {
        using InferenceSession session = InferenceSession.Create(
            spec, batch, height, width, device.Precision, device.Backend, device.Compiler);
        Load(parsed, session);
        session.Trace = trace;
        if (data is not null)
        {
            Batch? next = null;
            BenchFeed feed = new(data.Serve(session), batch => next = batch);
            BenchSubject served = BenchSubject.Of(session, feed.Write, () => session.Submit(next!));
            return MeasureSteps(served, session.Compiled, warmup, seconds, trace, feed.Reset) with { WaitedMs = feed.WaitedMs };
        }
        float[] images = RandomImages(session.ImageElements);
        float[] logits = new float[session.LogitElements];
        return Measure(session.Compiled, warmup, seconds, trace,
            () => session.WriteImages(images), session.Run, () => session.ReadLogits(logits));
    }

    private static StepOptions Step { get; } = new(new SgdOptions(Momentum: 0.9, WeightDecay: 1e-4));

    private Measured Train(ParseResult parsed, ResNetSpec spec, int batch, int height, int width, BenchData? data, Device device,
        double warmup, double seconds, StepTrace? trace)
    {
        const double LearningRate = 1e-3;
        using TrainingSession session = TrainingSession.Create(
            spec, batch, height, width, device.Precision, Step, device.Backend, device.Compiler);
        Load(parsed, session);
        session.Trace = trace;
        if (data is not null)
        {
            using BatchLoader loader = data.Load(session);
            BenchFeed feed = new(loader.Next, batch => session.WriteBatch(batch, LearningRate));
            return MeasureSteps(BenchSubject.Of(session, feed.Write), session.Compiled, warmup, seconds, trace, feed.Reset) with { WaitedMs = feed.WaitedMs };
        }
        float[] images = RandomImages(session.ImageElements);
        Random random = new(1);
        int[] labels = [.. Enumerable.Range(0, batch).Select(_ => random.Next(ResNetSpec.LabelsOf(spec.Classes)))];
        return MeasureSteps(BenchSubject.Of(session, () => session.WriteBatch(images, labels, LearningRate)), session.Compiled, warmup, seconds, trace, () => { });
    }

    private static Measured MeasureSteps(
        BenchSubject subject, CompiledGraph compiled, double warmup, double seconds, StepTrace? trace, Action begin)
    {
        HostMemory.ReleaseUnused();
        BenchSteps steps = new(subject, trace);
        steps.WarmUp(warmup);
        begin();
        steps.Measure(seconds);
        return new Measured(compiled, steps.LatencyMs, steps.ComputeMs) { IdleShare = steps.IdleShare };
    }

    // Methods of their own: unoptimised code keeps what a method once held until it returns, and these are the weights.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ResNetSpec Resolve(ParseResult parsed, IDataSet? data) => _model.Read(parsed).Resolve(_weights.Find(parsed), data);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Load(ParseResult parsed, InferenceSession session) => session.LoadWeights(Weights(parsed, session.ExpectedWeights));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Load(ParseResult parsed, TrainingSession session) => session.LoadWeights(Weights(parsed, session.WeightValues));

    private NetworkWeights Weights(ParseResult parsed, IEnumerable<Value> values) =>
        _weights.Find(parsed)?.Weights ?? WeightInitialization.Create(values, seed: 1);

    private static Measured Measure(
        CompiledGraph compiled, double warmup, double seconds, StepTrace? trace, Action write, Action run, Action read)
    {
        const int FewestBatches = 3;
        Measured measured = new(compiled, [], []);
        HostMemory.ReleaseUnused();
        long since = Stopwatch.GetTimestamp();
        do
        {
            write();
            run();
            read();
        }
        while (Stopwatch.GetElapsedTime(since).TotalSeconds < warmup);
        since = Stopwatch.GetTimestamp();
        while (measured.LatencyMs.Count < FewestBatches || Stopwatch.GetElapsedTime(since).TotalSeconds < seconds)
        {
            using StepTrace.StepScope step = StepTrace.Step(trace);
            long start = Stopwatch.GetTimestamp();
            write();
            long written = Stopwatch.GetTimestamp();
            run();
            long done = Stopwatch.GetTimestamp();
            read();
            measured.LatencyMs.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            measured.ComputeMs.Add(Stopwatch.GetElapsedTime(written, done).TotalMilliseconds);
        }
        return measured;
    }

    private void Print(BenchReport report, ResNetSpec spec, Measured measured)
    {
        MemoryPlan memory = measured.Compiled.Memory;
        terminal.Output.WriteLine($"network      {ModelText.Describe(spec)}");
        terminal.Output.WriteLine($"work         {report.Mode}, batch {report.Batch}, images of {measured.Compiled.Graph.Find(ResNetGraph.Images).Shape.H} x {measured.Compiled.Graph.Find(ResNetGraph.Images).Shape.W}, {report.Precision}");
        terminal.Output.WriteLine($"device       {report.Device}, {report.Threads} threads; {string.Join(", ", report.Libraries.Select(library => $"{library.Key} {library.Value}"))}");
        terminal.Output.WriteLine($"plan         {measured.Compiled.Schedule.Segments.Length} kernels for {measured.Compiled.Graph.Nodes.Length} nodes, made in {report.PlanSeconds:F2} s");
        if (DisturbanceText.Of(measured.Compiled.DisturbedMeasurements) is { } disturbance)
            terminal.Output.WriteLine($"             {disturbance}");
        terminal.Output.WriteLine($"memory       {ByteSizes.Format(report.PeakBytes)} at its peak: {ByteSizes.Format(memory.PersistentBytes)} that last, {ByteSizes.Format(memory.TransientBytes)} for a run");
        terminal.Output.WriteLine($"throughput   {report.ImagesPerSecond:F1} images/s over {measured.LatencyMs.Count} batches");
        if (report.DeviceIdleShare is { } idle)
            terminal.Output.WriteLine($"idle         {100 * idle:F1} % of the device's time, between steps");
        if (report.InputWaitShare is { } share)
            terminal.Output.WriteLine($"input        {report.Data}; waited for it {100 * share:F1} % of the time");
        terminal.Output.WriteLine();
        TextTable table = new("ms a batch", ">min", ">mean", ">p50", ">p90", ">p95", ">p99", ">max");
        AddRow(table, "host to host", report.LatencyMs);
        AddRow(table, "compute", report.ComputeMs);
        table.WriteTo(terminal.Output);
    }

    private static void AddRow(TextTable table, string name, Latency latency) => table.Add(name, $"{latency.Min:F2}",
        $"{latency.Mean:F2}", $"{latency.P50:F2}", $"{latency.P90:F2}", $"{latency.P95:F2}", $"{latency.P99:F2}", $"{latency.Max:F2}");

    private static float[] RandomImages(int elements)
    {
        Random random = new(1);
        float[] images = new float[elements];
        for (int i = 0; i < images.Length; i++)
            images[i] = 2 * random.NextSingle() - 1;
        return images;
    }

    private static double NotNegative(ParseResult parsed, Option<double?> option, double standard) =>
        (parsed.GetValue(option) ?? standard) is >= 0 and double value
            ? value
            : throw new ResNetException($"{option.Name} is {parsed.GetValue(option)}; give 0 or more");
}
