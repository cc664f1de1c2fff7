using System.CommandLine;
using System.Diagnostics;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>What eval prints with --json.</summary>
internal sealed record EvalReport(string Weights, string Data, string Model, string Version, string Device, string Precision,
    int Images, int Correct, double Accuracy, double Loss, double Seconds);

/// <summary>Measures a network on labelled images.</summary>
internal sealed class EvalCommand(Terminal terminal)
{
    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly DataFlags _data = new();
    private readonly ProfileFlags _profile = new("batches");
    private readonly NormalizationFlag _normalize = new("as the weights', else none");
    private readonly Option<string?> _weights = Flag.Text("--weights", "W.safetensors", "The network's weights.");
    private readonly Option<bool> _ema = Flag.Switch("--ema", "Take the moving average that a checkpoint holds beside its weights.");
    private readonly Option<int?> _batch = Flag.Whole("--batch", "Images at a time (default 100).");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        EvalCommand eval = new(terminal);
        Command command = new("eval", "Measure accuracy and loss on labelled images: the test part of a known set, or a folder.");
        command.Add(eval._weights);
        command.Add(eval._ema);
        eval._data.AddTo(command);
        eval._normalize.AddTo(command);
        eval._model.AddTo(command);
        eval._device.AddTo(command);
        command.Add(eval._batch);
        eval._profile.AddTo(command);
        command.Add(eval._json);
        command.SetAction(eval.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DataRequest request = _data.Read(parsed);
        DeviceRequest deviceRequest = _device.Read(parsed);
        ModelRequest model = _model.Read(parsed);
        WeightsFile weights = WeightsFile.Load(parsed.Required(_weights), parsed.GetValue(_ema));
        ResNetSpec spec = model.Resolve(weights);
        IDataSet data = request.Load(train: false, spec.Classes);
        RequireFit(spec, data);
        Normalization normalization = _normalize.Read(parsed, weights, NormalizationKind.None,
            () => request.HasTestPart ? request.Load(train: true, spec.Classes) : data);
        int batch = parsed.Positive(_batch, 100);
        Profile? profile = _profile.Read(parsed, terminal);

        using Device device = Devices.Open(deviceRequest, terminal);
        using InferenceSession session = InferenceSession.Create(spec, Math.Min(batch, data.Count),
            data.Height, data.Width, device.Precision, device.Backend, device.Compiler);
        session.LoadWeights(weights.Weights);
        HostMemory.ReleaseUnused();
        session.Trace = profile?.Trace;
        long start = Stopwatch.GetTimestamp();
        Evaluation evaluation = Evaluator.Evaluate(session, data, normalization);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        profile?.Finish();
        Print(parsed.GetValue(_json), new EvalReport(weights.Path, data.Name, ModelText.Name(spec), ModelText.Word(spec.Version),
            device.Backend.Name, device.Precision.ShortName(), data.Count,
            evaluation.Predictions.Count(p => p.Label == p.Predicted), evaluation.Accuracy, evaluation.Loss, seconds), spec, device);
        return CommandLine.Done;
    }

    private void Print(bool asJson, EvalReport report, ResNetSpec spec, Device device)
    {
        if (asJson)
        {
            terminal.Output.WriteLine(Json.Text(report, Json.Default.EvalReport));
            return;
        }
        terminal.Output.WriteLine($"network   {ModelText.Describe(spec)} ({report.Weights})");
        terminal.Output.WriteLine($"data      {report.Data}: {report.Images} images");
        terminal.Output.WriteLine($"device    {device.Description}; {report.Images / report.Seconds:F0} images/s");
        terminal.Output.WriteLine($"accuracy  {100 * report.Accuracy:F2} % ({report.Correct} of {report.Images})");
        terminal.Output.WriteLine($"loss      {report.Loss:F4}");
    }

    private static void RequireFit(ResNetSpec spec, IDataSet data)
    {
        if (data.Channels != spec.InputChannels)
            throw new ResNetException($"{data.Name} has images of {data.Channels} channels, the network takes {spec.InputChannels}");
        if (data.ClassCount > Math.Max(spec.Classes, 2))
            throw new ResNetException($"{data.Name} has {data.ClassCount} classes, the network {spec.Classes}; give --classes {data.ClassCount}, or other weights");
    }
}
