using System.CommandLine;
using System.Text;
using CudnnResNet.Autodiff;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Cli.Plans;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Commands;

internal enum PlanMode
{
    Infer,
    Train,
}

/// <summary>Shows how a network would run: cuts, kernels, times, refusals and memory.</summary>
internal sealed class PlanCommand(Terminal terminal)
{
    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly Option<PlanMode?> _mode = Flag.Choice("--mode", "What is planned (default infer).",
        ("train", PlanMode.Train), ("infer", PlanMode.Infer));
    private readonly Option<int?> _batch = Flag.Whole("--batch", "Images of a batch (default 1; training 16).");
    private readonly Option<int?> _imageSize = Flag.Whole("--image-size", "Height and width (default 224, or 32 for the small stems).");
    private readonly Option<string?> _svg = Flag.Text("--svg", "FILE.svg", "Receives the arena over the step (default: named after the plan, in the current folder).");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        PlanCommand plan = new(terminal);
        Command command = new("plan", "Show the chosen cuts and kernels with their times, who refused, and the memory plan.");
        command.Add(plan._mode);
        plan._model.AddTo(command);
        command.Add(plan._batch);
        command.Add(plan._imageSize);
        plan._device.AddTo(command);
        command.Add(plan._svg);
        command.Add(plan._json);
        command.SetAction(plan.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DeviceRequest request = _device.Read(parsed);
        ResNetSpec spec = _model.Read(parsed).Resolve(weights: null);
        PlanMode mode = parsed.GetValue(_mode) ?? PlanMode.Infer;
        bool isTraining = mode == PlanMode.Train;
        int batch = parsed.Positive(_batch, isTraining ? 16 : 1);
        int size = parsed.Positive(_imageSize, spec.DefaultImageSize);
        string word = isTraining ? "train" : "infer";
        string svg = parsed.GetValue(_svg)
            ?? $"arena-{ModelText.Name(spec)}-{word}-b{batch}-{request.Precision.ShortName()}.svg";
        OutputPaths.RequireFileIn(_svg.Name, svg);

        using Device device = Devices.Open(request, terminal);
        // The alternatives are what is to be shown: they are asked for again.
        CompilerOptions options = device.Compiler with { KeepsPlans = false };
        CompiledGraph compiled = isTraining
            ? Compiler.Compile(TrainingSession.StepGraph(spec, batch, size, size, device.Precision,
                new StepOptions(new SgdOptions(Momentum: 0.9, WeightDecay: 1e-4)), device.Backend), device.Backend, options)
            : InferenceSession.Compile(spec, batch, size, size, device.Precision, device.Backend, options);
        bool isMeasured = device.Compiler.Tune;
        PlanExplanation explanation = new(compiled, device.Backend, isMeasured);
        MemoryPlan memory = compiled.Memory;
        PlanReport report = new(word, ModelText.Name(spec), ModelText.Word(spec.Version), device.Backend.Name,
            device.Precision.ShortName(), batch, size, device.Backend.Threads, compiled.Graph.Nodes.Length,
            compiled.Schedule.Segments.Length, isMeasured ? compiled.Schedule.Cost : null, compiled.Seconds, compiled.Measurements,
            compiled.DisturbedMeasurements, new MemoryReport(memory.PeakBytes, memory.PersistentBytes + memory.LowerBoundBytes,
                memory.PersistentBytes + memory.WithoutReuseBytes, memory.PersistentBytes),
            explanation.Blocks(), explanation.Refusals(), svg);
        string drawing = ArenaDrawing.Of(compiled,
            $"{report.Model} {report.Version}, {word}, batch {batch}, {report.Precision}: memory over one step").ToSvg();
        AtomicFile.Write(svg, stream => stream.Write(Encoding.UTF8.GetBytes(drawing)));
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.PlanReport));
        else
            new PlanPrinter(terminal.Output).Write(report, ModelText.Describe(spec), ArenaDrawing.Figures(memory));
        return CommandLine.Done;
    }
}
