using System.CommandLine;
using CudnnResNet.Autodiff;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

/// <summary>Trains a small network on the bundled images, tests it, and writes a checkpoint and a report.</summary>
internal sealed class QuickstartCommand(Terminal terminal)
{
    private const int Batch = 64;

    /// <summary>What a run should take: a slower machine gets fewer epochs.</summary>
    private const double TargetSeconds = 110;

    /// <summary>Where the recipe gains little more.</summary>
    private const int MostEpochs = 30;

    private const int FewestEpochs = 2;

    private readonly DeviceFlags _device = new();
    private readonly Option<string?> _out = Flag.Text("--out", "DIR", "Receives weights, log and report (default: a new folder under runs).");
    private readonly Option<int?> _epochs = Flag.Whole("--epochs", $"Length in epochs (default: about two minutes, at most {MostEpochs}).");

    public static Command Create(Terminal terminal)
    {
        QuickstartCommand quickstart = new(terminal);
        Command command = new("quickstart", "Train a network on 6,000 real images in about two minutes, and see what it learnt.");
        quickstart._device.AddTo(command);
        command.Add(quickstart._out);
        command.Add(quickstart._epochs);
        command.SetAction(quickstart.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DeviceRequest request = _device.Read(parsed);
        if (parsed.GetValue(_epochs) < 1)
            throw new ResNetException($"{_epochs.Name} is {parsed.GetValue(_epochs)}; give at least 1");
        string folder = parsed.GetValue(_out) ?? OutputPaths.NextRun("quickstart");
        OutputPaths.RequireUnused(_out.Name, folder, resumed: null);
        OutputPaths.MakeFolder(_out.Name, folder);
        ByteImageSet train = FashionMnist.LoadBundled(train: true);
        ByteImageSet test = FashionMnist.LoadBundled(train: false);
        using Device device = Devices.Open(request, terminal);
        TrainingOptions options = Recipe(train, device.Precision) with { OutputFolder = folder };
        using Trainer trainer = Trainer.Create(
            options with { Epochs = parsed.GetValue(_epochs) ?? MostEpochs }, train, test, device.Backend, device.Compiler);
        if (parsed.GetValue(_epochs) is null)
            trainer.FitInto(TimeSpan.FromSeconds(TargetSeconds), FewestEpochs, MostEpochs);
        terminal.Output.WriteLine($"network  {ModelText.Describe(options.Spec)}");
        terminal.Output.WriteLine($"data     {train.Name}: {train.Count} images to learn from, {test.Count} to test on");
        terminal.Output.WriteLine($"device   {device.Description}");
        terminal.Output.WriteLine($"results  {folder}");
        RunSubject subject = new(train, test, device);
        RunFiles files = new(folder, subject, terminal);
        files.Begin(trainer, isResumed: false);
        string length = parsed.GetValue(_epochs) is null ? $" {_epochs.Name} {trainer.Options.Epochs}" : "";
        TrainingResult result;
        int interruptedCode;
        using (RecordedRun run = new() { OnEvaluation = evaluation => files.Keep(evaluation, options.Spec) })
        {
            run.AddLog(RunLogWriter.Create(files.Log));
            result = run.Run(trainer, subject.Header(trainer, CommandText.Of(parsed) + length), terminal);
            interruptedCode = run.InterruptedCode;
        }
        string last = Path.Combine(folder, Checkpoint.LastFile);
        if (result.IsCancelled)
        {
            terminal.Output.WriteLine($"interrupted after step {result.Steps}; {last} is saved");
            return interruptedCode;
        }
        _ = files.WriteReport();
        Conclude(result, last, files.Report);
        return CommandLine.Done;
    }

    private static TrainingOptions Recipe(ByteImageSet train, Precision precision) => new()
    {
        Spec = new ResNetSpec
        {
            Depth = 18,
            Width = 16,
            Stem = ResNetStem.Cifar,
            Classes = train.ClassCount,
            InputChannels = train.Channels,
        },
        Precision = precision,
        Batch = Batch,
        LearningRate = 0.1,
        Schedule = ScheduleKind.Cosine,
        Optimizer = new SgdOptions(Momentum: 0.9, WeightDecay: 5e-4, DecayBatchNormAndBias: false),
        LabelSmoothing = 0.1,
        Augmentation = Augmentation.Standard(padding: 2),
        Normalization = Normalization.Of(train),
    };

    private void Conclude(TrainingResult result, string last, string report)
    {
        terminal.Output.WriteLine();
        terminal.Output.WriteLine(FormattableString.Invariant($"test accuracy {100 * result.Test!.Accuracy:F1} %"));
        terminal.Output.WriteLine();
        terminal.Output.WriteLine($"report   {report}");
        terminal.Output.WriteLine($"weights  {last}");
        terminal.Output.WriteLine();
        terminal.Output.WriteLine("to try next:");
        terminal.Output.WriteLine($"  ./resnet eval --weights {last} --data {DataRequest.SubsetName}");
        terminal.Output.WriteLine($"  ./resnet train --data {DataRequest.FashionMnistName} --model resnet18 --width 32 --epochs 10");
        terminal.Output.WriteLine("  ./resnet bench infer --model resnet50 --batch 1 --precision bf16");
        terminal.Output.WriteLine("  ./resnet doctor");
    }
}
