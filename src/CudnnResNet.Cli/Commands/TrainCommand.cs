using System.Collections.Immutable;
using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Cli.Plans;
using CudnnResNet.Cli.TensorBoard;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>Trains a network.</summary>
internal sealed class TrainCommand(Terminal terminal)
{
    private const string EventFolder = "tensorboard";

    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly DataFlags _data = new(trains: true);
    private readonly RecipeFlags _recipe = new();
    private readonly NormalizationFlag _normalize = new("dataset, or as the weights'");
    /// <summary>Its flags are already on the command line: see <see cref="Preset.Expand"/>.</summary>
    private readonly Option<Preset?> _preset = Flag.Make<Preset?>(Preset.FlagName,
        "A recipe for Fashion-MNIST, of which every flag can be given otherwise. On two cores fashion-fast takes minutes and "
            + "fashion-best an hour and a half; fashion-gpu is for a GPU.",
        string.Join('|', Preset.All.Select(preset => preset.Name)),
        text => Preset.All.FirstOrDefault(preset => preset.Name == text),
        $"one of {string.Join(", ", Preset.All.Select(preset => preset.Name))}");
    private readonly Option<string?> _tensorBoard = new("--tensorboard")
    {
        Description = $"Write TensorBoard event files (default folder: {EventFolder} in --out).",
        HelpName = "[DIR]",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly ProfileFlags _profile = new("steps");
    private readonly Option<string?> _testData = Flag.Text("--test-data", "NAME|npy:DIR|none",
        "Evaluated after each epoch (default: the test part of --data, where it has one).");
    private readonly Option<string?> _init = Flag.Text("--init", "W", "Start from these weights: safetensors, PyTorch's .pth, ONNX or npz.");
    private readonly Option<bool> _external = WeightsFlags.ExternalData();
    private readonly Option<string?> _resume = Flag.Text("--resume", "FILE|DIR",
        $"Continue from this checkpoint, or from DIR/{Checkpoint.LastFile}, bit for bit; give the flags of the run again.");
    private readonly Option<bool> _resumeAnyway = Flag.Switch("--resume-anyway",
        "Continue also where flags, data, device or version differ so that the numbers will.");
    private readonly Option<long?> _saveEvery = Flag.Long("--save-every",
        $"Steps from one {Checkpoint.LastFile} to the next within an epoch (default: at the end of epochs only).");
    private readonly Option<string?> _log = Flag.Text("--log", "RUN.jsonl", "One JSON object a step: step, epoch, loss, lr, imagesPerSecond.");
    private readonly Option<string?> _out = Flag.Text("--out", "DIR",
        $"Receives {Checkpoint.LastFile}, {Checkpoint.BestFile}, {RunFolder.LogFile} and {RunFolder.ReportFile} (default: the resumed run's, or a new folder under runs).");
    private readonly Option<string?> _gradients = Flag.Text("--dump-gradients", "FILE", "The first step's gradients, as safetensors.");
    private readonly Option<string?> _report = Flag.Text("--report", "FILE.html", "A copy of the report.");
    private readonly Option<bool> _noReport = Flag.Switch("--no-report", "Leave the report out; ./resnet report DIR makes it later.");

    public static Command Create(Terminal terminal)
    {
        TrainCommand train = new(terminal);
        Command command = new("train", "Train a network.");
        command.Add(train._preset);
        train._data.AddTo(command);
        command.Add(train._testData);
        train._model.AddTo(command);
        train._recipe.AddTo(command);
        train._normalize.AddTo(command);
        train._device.AddTo(command);
        command.Add(train._init);
        command.Add(train._external);
        command.Add(train._resume);
        command.Add(train._resumeAnyway);
        command.Add(train._saveEvery);
        command.Add(train._out);
        command.Add(train._log);
        command.Add(train._report);
        command.Add(train._noReport);
        command.Add(train._tensorBoard);
        train._profile.AddTo(command);
        command.Add(train._gradients);
        command.SetAction(train.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DataRequest data = _data.Read(parsed, terminal);
        DeviceRequest deviceRequest = _device.Read(parsed);
        ModelRequest request = _model.Read(parsed);
        (string? init, string? resume) = (parsed.GetValue(_init), ResumedFile(parsed));
        if (init is not null && resume is not null)
            throw new ResNetException("--init and --resume both give the weights; give one of them");
        if (resume is null && parsed.GetValue(_resumeAnyway))
            throw new ResNetException("--resume-anyway is about --resume; give --resume FILE, or leave it out");
        string folder = parsed.GetValue(_out)
            ?? (resume is null ? OutputPaths.NextRun("train") : Path.GetDirectoryName(Path.GetFullPath(resume))!);
        OutputPaths.RequireUnused(_out.Name, folder, resume);
        Checkpoint? resumed = resume is null ? null : Checkpoint.Load(resume);
        WeightsFile? weights = (init ?? resume) is { } path ? WeightsFile.Load(path, allowExternalData: parsed.GetValue(_external)) : null;

        int? classes = request.Classes ?? weights?.Spec.Classes;
        IDataSet train = data.Load(train: true, classes);
        ResNetSpec spec = request.Resolve(weights, train, replacesHead: init is not null);
        IDataSet? test = TestRequest(parsed, data)?.Load(train: false, spec.Classes);
        ImmutableArray<SizePoint> sizes = _data.ImageSizes(parsed);
        if (sizes is [.., var last])
        {
            train = ResizableByteImages.Of(train);
            // Files have the last size by themselves.
            if (test is ByteImageSet && ResizableByteImages.Of(test) is IResizableImages images)
                test = images.WithSize(last.Size);
        }
        TrainingOptions options = _recipe.Read(parsed, spec, deviceRequest.Precision, train, resumed) with
        {
            Normalization = _normalize.Read(parsed, weights, NormalizationKind.Dataset, () => train),
            ImageSizes = sizes,
            DumpGradients = parsed.GetValue(_gradients) is not null,
            SaveEvery = parsed.GetValue(_saveEvery),
            OutputFolder = folder,
        };
        options.Validate();
        if (options.Patience is not null && test is null)
            throw new ResNetException("--patience counts evaluations, and there is nothing to test; give --test-data, or leave it out");
        if (options.FrozenBatchNorm && weights is null)
            throw new ResNetException("--frozen-batch-norm keeps the running statistics of weights, and none are given; give --init, or leave it out");
        if (options.ZeroInitLastBatchNorm && init is not null)
            throw new ResNetException("--zero-init-last-bn is about fresh weights, and --init gives others; leave one of them out");
        RequireOutputs(parsed, folder, isResumed: resume is not null);
        Profile? profile = _profile.Read(parsed, terminal, resumed?.Progress.Step ?? 0);

        using Device device = Devices.Open(deviceRequest, terminal);
        options = options with { Batch = _recipe.BatchOn(parsed, device, options, train) };
        using Trainer trainer = BatchSize.WithAdvice(options.Batch, RecipeFlags.GraphsOf(device, options, train), device,
            () => Trainer.Create(options, train, test, device.Backend, device.Compiler,
                resumed is null ? null : new Resumption(resumed, parsed.GetValue(_resumeAnyway))));
        if (resumed is null && weights is not null)
            trainer.LoadWeights(weights.Spec.Classes == spec.Classes
                ? weights.Weights
                : weights.WithHeadOf(trainer.Session.SaveWeights()));
        Introduce(request, weights, trainer, train, test, device, folder);
        trainer.Trace = profile?.Trace;
        return Train(parsed, trainer, profile, options, new RunSubject(train, test, device), resumed is not null);
    }

    private int Train(ParseResult parsed, Trainer trainer, Profile? profile, TrainingOptions options, RunSubject subject, bool isResumed)
    {
        RunFiles files = new(options.OutputFolder!, subject, terminal);
        files.Begin(trainer, isResumed);
        long firstStep = trainer.FirstStep;
        TrainingResult result;
        int interruptedCode;
        using (RecordedRun run = new()
        {
            Events = EventsOf(parsed, options.OutputFolder!),
            GradientFile = parsed.GetValue(_gradients),
            OnStep = profile is null ? null : _ => profile.WriteOnceComplete(),
            OnEvaluation = evaluation => files.Keep(evaluation, options.Spec),
        })
        {
            run.AddLog(isResumed ? RunLogWriter.Append(files.Log, firstStep) : RunLogWriter.Create(files.Log));
            if (parsed.GetValue(_log) is { } own)
                run.AddLog(isResumed ? RunLogWriter.Append(own, firstStep, stepLinesOnly: true) : RunLogWriter.Create(own, stepLinesOnly: true));
            result = run.Run(trainer, subject.Header(trainer, CommandText.Of(parsed)), terminal);
            interruptedCode = run.InterruptedCode;
        }
        profile?.Finish();
        if (parsed.GetValue(_report) is { } copy)
            _ = files.WriteReport(copy);
        bool isReported = !parsed.GetValue(_noReport) && files.WriteReport();
        string last = Path.Combine(options.OutputFolder!, Checkpoint.LastFile);
        if (result.IsCancelled)
        {
            terminal.Output.WriteLine($"interrupted after step {result.Steps}; {last} continues with --resume");
            return interruptedCode;
        }
        if (result.IsStoppedEarly)
            terminal.Output.WriteLine($"stopped early after step {result.Steps}: {options.Patience} evaluations brought nothing better");
        if (result.Test is { } test)
            terminal.Output.WriteLine($"test accuracy {100 * test.Accuracy:F2} %"
                + (result.EmaTest is { } average ? $", of the moving average {100 * average.Accuracy:F2} %" : "")
                + $", best {100 * result.BestAccuracy:F2} %");
        terminal.Output.WriteLine($"wrote {last}{(isReported ? $" and {files.Report}" : "")}");
        return CommandLine.Done;
    }

    private EventFile? EventsOf(ParseResult parsed, string folder) => parsed.GetResult(_tensorBoard) is null
        ? null
        : EventFile.Create(parsed.GetValue(_tensorBoard) ?? Path.Combine(folder, EventFolder));

    private DataRequest? TestRequest(ParseResult parsed, DataRequest data) => parsed.GetValue(_testData) switch
    {
        "none" => null,
        { } => _data.Read(parsed, _testData, terminal),
        null => data.HasTestPart ? data : null,
    };

    private string? ResumedFile(ParseResult parsed) => parsed.GetValue(_resume) switch
    {
        { } folder when Directory.Exists(folder) => Path.Combine(folder, Checkpoint.LastFile),
        var file => file,
    };

    private void RequireOutputs(ParseResult parsed, string folder, bool isResumed)
    {
        if (!isResumed && parsed.GetValue(_log) is { } log && File.Exists(log) && new FileInfo(log).Length > 0)
            throw new ResNetException($"{_log.Name} {log}: holds the log of another run; give another file, or remove it");
        foreach (Option<string?> file in (ReadOnlySpan<Option<string?>>)[_log, _gradients, _report])
            if (parsed.GetValue(file) is { } path)
                OutputPaths.RequireFileIn(file.Name, path);
        OutputPaths.MakeFolder("--out", folder);
    }

    private void Introduce(ModelRequest request, WeightsFile? weights, Trainer trainer,
        IDataSet train, IDataSet? test, Device device, string folder)
    {
        terminal.Output.WriteLine($"network  {ModelText.Describe(trainer.Session.Spec)}{request.Origin(weights, hasData: true)}");
        if (weights is not null && weights.Spec.Classes != trainer.Session.Spec.Classes)
            terminal.Output.WriteLine($"head     drawn anew for {trainer.Session.Spec.Classes} classes; the weights have {weights.Spec.Classes}");
        terminal.Output.WriteLine($"data     {train.Name}: {train.Count} images of {train.Height} x {train.Width}"
            + (test is null ? "; none to test" : $"; to test {test.Count} of {test.Name}"));
        terminal.Output.WriteLine($"device   {device.Description}; plan made in {trainer.Session.Compiled.Seconds:F1} s, "
            + $"{ByteSizes.Format(trainer.MemoryBytes)} of memory");
        if (DisturbanceText.Of(trainer.Session.Compiled.DisturbedMeasurements) is { } disturbance)
            terminal.Output.WriteLine($"         {disturbance}");
        if (trainer.FirstStep > 0)
            terminal.Output.WriteLine($"resumed  after step {trainer.FirstStep}, "
                + (trainer.Differences.IsEmpty ? "bit for bit" : $"not bit for bit: {string.Join("; ", trainer.Differences)}"));
        terminal.Output.WriteLine($"results  {folder}");
    }
}
