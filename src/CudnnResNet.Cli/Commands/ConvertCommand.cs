using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Onnx;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli.Commands;

/// <summary>Writes weights of any known format as safetensors or ONNX.</summary>
internal sealed class ConvertCommand(Terminal terminal)
{
    private const string Safe = ".safetensors";
    private const string Onnx = ".onnx";

    private readonly Argument<string> _in = new("IN") { Description = "Weights: safetensors or its index, PyTorch's .pth, ONNX, npz." };
    private readonly Argument<string> _out = new("OUT") { Description = $"A file that ends in {Safe} or {Onnx}." };
    private readonly ModelFlags _model = new();
    private readonly Option<bool> _fold = Flag.Switch("--fold", "ONNX: put batch norms into the convolutions before them.");
    private readonly Option<bool> _ema = Flag.Switch("--ema", "Take the moving average of a checkpoint's weights.");
    private readonly Option<bool> _external = WeightsFlags.ExternalData();

    public static Command Create(Terminal terminal)
    {
        ConvertCommand convert = new(terminal);
        Command command = new("convert", "Write weights as safetensors (torchvision's names) or ONNX (opset 17, any batch).");
        command.Add(convert._in);
        command.Add(convert._out);
        convert._model.AddTo(command);
        command.Add(convert._fold);
        command.Add(convert._ema);
        command.Add(convert._external);
        command.SetAction(convert.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(_out)!;
        bool toOnnx = path.EndsWith(Onnx, StringComparison.OrdinalIgnoreCase);
        if (!toOnnx && !path.EndsWith(Safe, StringComparison.OrdinalIgnoreCase))
            throw new ResNetException($"{path}: its ending says no format; give a name that ends in {Safe} or {Onnx}");
        if (!toOnnx && parsed.GetValue(_fold))
            throw new ResNetException($"--fold is for {Onnx}; leave it out, or write an ONNX file");
        WeightsFile weights = WeightsFile.Load(parsed.GetValue(_in)!, parsed.GetValue(_ema), parsed.GetValue(_external));
        ResNetSpec spec = _model.Read(parsed).Resolve(weights);
        if (toOnnx)
            OnnxWriter.Write(path, spec, weights.Weights, parsed.GetValue(_fold), Describe(spec, weights));
        else
            WriteSafetensors(path, spec, weights);
        terminal.Output.WriteLine($"network  {ModelText.Describe(spec)}");
        terminal.Output.WriteLine($"wrote    {path}");
        return CommandLine.Done;
    }

    private static Dictionary<string, string> Describe(ResNetSpec spec, WeightsFile weights) =>
        Checkpoint.Describe(spec, weights.Normalization, weights.ClassNamesFor(spec.Classes));

    /// <summary>Only the network's own tensors, in their types; no optimizer state.</summary>
    private static void WriteSafetensors(string path, ResNetSpec spec, WeightsFile weights)
    {
        const int AnySize = 64;
        LayerGraph network = ResNetGraph.Inference(spec, batch: 1, AnySize, AnySize, Precision.Fp32);
        Value[] expected = [.. network.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State)];
        weights.Weights.RequireMatch(expected);
        Safetensors.Write(path, [.. expected.Select(value => weights.Weights.Tensors[value.Name])],
            Describe(spec, weights));
    }
}
