using System.Collections.Immutable;
using System.CommandLine;
using CudnnResNet.Autodiff;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cli.Commands;

/// <summary>A layer in the JSON of summary; the shape is NCHW, or [N, classes].</summary>
internal sealed record LayerReport(string Name, string Kind, IReadOnlyList<int> Output, long Parameters, long MultiplyAdds);

/// <summary>What summary prints with --json.</summary>
internal sealed record SummaryReport(string Model, string Version, string Stem, int Classes, int InputChannels, int Width,
    int Batch, int ImageSize, string Precision, long Parameters, long MultiplyAdds, long ParameterBytes, long ActivationBytes,
    IReadOnlyList<LayerReport> Layers);

/// <summary>Shows a network's layers and sizes.</summary>
internal sealed class SummaryCommand(Terminal terminal)
{
    private readonly ModelFlags _model = new();
    private readonly Option<int?> _batch = Flag.Whole("--batch", "Images (default 1).");
    private readonly Option<int?> _imageSize = Flag.Whole("--image-size", "Height and width (default 224, or 32 for the small stems).");
    private readonly Option<Precision?> _precision = Flag.Choice("--precision", "Of the activations (default fp32).",
        ("fp32", Precision.Fp32), ("tf32", Precision.Tf32), ("bf16", Precision.Bf16), ("fp16", Precision.Fp16), ("fp64", Precision.Fp64));
    private readonly WeightsFlags _weights = new("Describe the network of these weights: safetensors, PyTorch's .pth, ONNX or npz.");
    private readonly Option<bool> _json = Flag.Switch("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        SummaryCommand summary = new(terminal);
        Command command = new("summary", "Show a network's layers, parameters, multiply-adds and activation memory.");
        summary._model.AddTo(command);
        summary._weights.AddTo(command);
        command.Add(summary._batch);
        command.Add(summary._imageSize);
        command.Add(summary._precision);
        command.Add(summary._json);
        command.SetAction(summary.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        WeightsFile? weights = _weights.Find(parsed);
        ResNetSpec spec = _model.Read(parsed).Resolve(weights);
        int batch = parsed.GetValue(_batch) ?? 1;
        int size = parsed.GetValue(_imageSize) ?? spec.DefaultImageSize;
        Precision precision = parsed.GetValue(_precision) ?? Precision.Fp32;
        NetworkSummary summary = NetworkSummary.Of(spec, batch, size, size);
        SummaryReport report = new(ModelText.Name(spec), ModelText.Word(spec.Version), ModelText.Word(spec.Stem), spec.Classes,
            spec.InputChannels, spec.Width, batch, size, precision.ShortName(), summary.Parameters, summary.MultiplyAdds,
            summary.Parameters * precision.ParameterType().ByteSize(), ActivationBytes(spec, batch, size, precision),
            [.. summary.Layers.Select(layer => new LayerReport(
                layer.Name, layer.Kind, Nchw(layer.Output), layer.Parameters, layer.MultiplyAdds))]);
        if (parsed.GetValue(_json))
            terminal.Output.WriteLine(Json.Text(report, Json.Default.SummaryReport));
        else
            Print(report, spec);
        return CommandLine.Done;
    }

    private void Print(SummaryReport report, ResNetSpec spec)
    {
        TextTable table = new("layer", "kind", ">output", ">parameters", ">multiply-adds");
        foreach (LayerReport layer in report.Layers)
            table.Add(layer.Name, layer.Kind, $"[{string.Join(", ", layer.Output)}]",
                layer.Parameters > 0 ? $"{layer.Parameters:N0}" : "", layer.MultiplyAdds > 0 ? $"{layer.MultiplyAdds:N0}" : "");
        terminal.Output.WriteLine($"{ModelText.Describe(spec)}, images of {report.ImageSize} x {report.ImageSize}, batch {report.Batch}, {report.Precision}");
        terminal.Output.WriteLine();
        table.WriteTo(terminal.Output);
        terminal.Output.WriteLine();
        terminal.Output.WriteLine($"parameters         {report.Parameters:N0} ({ByteSizes.Format(report.ParameterBytes)})");
        terminal.Output.WriteLine($"multiply-adds      {report.MultiplyAdds:N0} an image");
        terminal.Output.WriteLine($"activation memory  {ByteSizes.Format(report.ActivationBytes)} kept for the backward pass at this batch");
    }

    /// <summary>From two small batches, because an image alone may be too small to train on; the bytes are affine in the batch.</summary>
    private static long ActivationBytes(ResNetSpec spec, int batch, int size, Precision precision)
    {
        long two = Kept(2);
        return two + (batch - 2) * (Kept(3) - two);

        long Kept(int images)
        {
            LayerGraph training = ResNetGraph.Training(spec, images, size, size, precision, labelSmoothing: 0);
            return KeptActivations.Bytes(training, training.Find(ResNetGraph.Loss).Id);
        }
    }

    private static ImmutableArray<int> Nchw(TensorShape shape) =>
        shape.Rank == 4 ? [shape.N, shape.C, shape.H, shape.W] : [shape.D0, shape.D1];
}
