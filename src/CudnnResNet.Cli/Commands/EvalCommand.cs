using System.CommandLine;
using System.Diagnostics;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>The images of one true class, and the per cent of them that were recognised.</summary>
internal sealed record ClassReport(int Class, string Name, int Images, double Top1);

/// <summary>What eval prints with --json; top-1 and top-5 in per cent.</summary>
/// <param name="Accuracy">Top1 as a share.</param>
/// <param name="LeftOut">Images that could not be read.</param>
/// <param name="Classes">Those that occur.</param>
/// <param name="Confusion">True class, predicted class and how often, where it ever was.</param>
internal sealed record EvalReport(string Weights, string Data, string Model, string Version, string Device, string Precision,
    int Images, int Correct, double Accuracy, double Loss, double Seconds, double Top1, double Top5, int LeftOut,
    IReadOnlyList<ClassReport> Classes, IReadOnlyList<int[]> Confusion);

/// <summary>Measures a network on labelled images.</summary>
internal sealed class EvalCommand(Terminal terminal)
{
    private readonly ModelFlags _model = new();
    private readonly DeviceFlags _device = new();
    private readonly DataFlags _data = new();
    private readonly ProfileFlags _profile = new("batches");
    private readonly NormalizationFlag _normalize = new("as the weights', else imagenet for image files and none for others");
    private readonly WeightsFlags _weights = new();
    private readonly Option<int?> _batch = Flag.Whole("--batch", "Images at a time (default 100).");
    private readonly Option<string?> _names = Flag.Text("--class-names", "FILE", "The classes' names, one a line (default: the weights', else ImageNet's for 1,000 classes, else the data's).");
    private readonly Option<string?> _predictions = Flag.Text("--predictions", "OUT.csv",
        "Receives a row for each image: its number, file, label, prediction, confidence, the label's rank, loss.");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        EvalCommand eval = new(terminal);
        Command command = new("eval", "Measure accuracy and loss on labelled images: the test part of a known set, a folder, or a CSV file's.");
        eval._weights.AddTo(command);
        eval._data.AddTo(command);
        eval._normalize.AddTo(command);
        eval._model.AddTo(command);
        eval._device.AddTo(command);
        command.Add(eval._batch);
        eval._profile.AddTo(command);
        command.Add(eval._names);
        command.Add(eval._predictions);
        command.Add(eval._json);
        command.SetAction(eval.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DataRequest request = _data.Read(parsed, terminal);
        DeviceRequest deviceRequest = _device.Read(parsed);
        ModelRequest model = _model.Read(parsed);
        WeightsFile weights = _weights.Read(parsed);
        ResNetSpec spec = model.Resolve(weights);
        if (parsed.GetValue(_predictions) is { } file)
            OutputPaths.RequireFileIn(_predictions.Name, file);
        IDataSet data = request.Load(train: false, spec.Classes);
        RequireFit(spec, data);
        Normalization normalization = _normalize.Read(parsed, weights,
            request.HoldsImageFiles ? NormalizationKind.ImageNet : NormalizationKind.None,
            () => request.HasTestPart ? request.Load(train: true, spec.Classes) : data);
        int batch = parsed.Positive(_batch, 100);
        Profile? profile = _profile.Read(parsed, terminal);

        IReadOnlyList<string> names = ClassNames.Of(parsed.GetValue(_names), weights, spec.Classes, data);
        if (ClassNames.Disagreement(weights, spec.Classes, data) is { } disagreement)
            terminal.Error.WriteLine($"warning: {disagreement}; labels count by their number");

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
        EvalReport report = new(weights.Path, data.Name, ModelText.Name(spec), ModelText.Word(spec.Version),
            device.Backend.Name, device.Precision.ShortName(), evaluation.Predictions.Length,
            evaluation.Predictions.Count(p => p.Label == p.Predicted), evaluation.Accuracy, evaluation.Loss, seconds,
            100 * evaluation.Accuracy, 100 * evaluation.TopAccuracy(5), data.Count - evaluation.Predictions.Length,
            ClassesOf(evaluation, names), ConfusionOf(evaluation));
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.EvalReport));
        else
            Print(report, spec, device);
        if (parsed.GetValue(_predictions) is { } predictions)
            PredictionTable.Write(predictions, evaluation, data);
        return CommandLine.Done;
    }

    private static List<ClassReport> ClassesOf(Evaluation evaluation, IReadOnlyList<string> names) =>
    [
        .. evaluation.Predictions.GroupBy(prediction => prediction.Label).OrderBy(group => group.Key)
            .Select(group => new ClassReport(group.Key, group.Key < names.Count ? names[group.Key] : $"{group.Key}", group.Count(),
                100.0 * group.Count(prediction => prediction.Predicted == prediction.Label) / group.Count())),
    ];

    private static List<int[]> ConfusionOf(Evaluation evaluation) =>
    [
        .. evaluation.Predictions.GroupBy(prediction => (prediction.Label, prediction.Predicted)).OrderBy(group => group.Key)
            .Select(group => new[] { group.Key.Label, group.Key.Predicted, group.Count() }),
    ];

    private void Print(EvalReport report, ResNetSpec spec, Device device)
    {
        TextWriter output = terminal.Output;
        output.WriteLine($"network   {ModelText.Describe(spec)} ({report.Weights})");
        output.WriteLine($"data      {report.Data}: {report.Images} images" + (report.LeftOut > 0 ? $", {report.LeftOut} left out" : ""));
        output.WriteLine($"device    {device.Description}; {report.Images / report.Seconds:F0} images/s");
        output.WriteLine($"accuracy  {report.Top1:F2} % ({report.Correct} of {report.Images})");
        if (spec.Classes > 5)
            output.WriteLine($"top 5     {report.Top5:F2} %");
        if (report.Classes.Count <= ConfusionTable.MostClasses)
            ConfusionTable.Write(output, report);
        output.WriteLine($"loss      {report.Loss:F4}");
    }

    private static void RequireFit(ResNetSpec spec, IDataSet data)
    {
        if (data.Channels != spec.InputChannels)
            throw new ResNetException($"{data.Name} has images of {data.Channels} channels, the network takes {spec.InputChannels}");
        if (data.ClassCount > Math.Max(spec.Classes, 2))
            throw new ResNetException($"{data.Name} has {data.ClassCount} classes, the network {spec.Classes}; give other data or other weights");
    }
}
