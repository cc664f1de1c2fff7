using System.CommandLine;

namespace CudnnResNet.Cli.Flags;

/// <summary>The flags that name a network's weights.</summary>
internal sealed class WeightsFlags(string description = "The network's weights: safetensors, PyTorch's .pth, ONNX or npz.")
{
    private readonly Option<string?> _weights = Flag.Text("--weights", "W", description);
    private readonly Option<bool> _ema = Flag.Switch("--ema", "Take the moving average that a checkpoint holds beside its weights.");
    private readonly Option<bool> _external = ExternalData();

    public static Option<bool> ExternalData() =>
        Flag.Switch("--external-data", "Let an ONNX model read its data from other files below its folder.");

    public void AddTo(Command command)
    {
        command.Add(_weights);
        command.Add(_ema);
        command.Add(_external);
    }

    /// <exception cref="ResNetException">No weights are named, or the file holds none.</exception>
    public WeightsFile Read(ParseResult parsed)
    {
        _ = parsed.Required(_weights);
        return Find(parsed)!;
    }

    /// <summary>Null where none are named.</summary>
    /// <exception cref="ResNetException">The file holds no weights, or a flag is about weights and none are named.</exception>
    public WeightsFile? Find(ParseResult parsed)
    {
        if (parsed.GetValue(_weights) is { } path)
            return WeightsFile.Load(path, parsed.GetValue(_ema), parsed.GetValue(_external));
        foreach (Option<bool> about in (ReadOnlySpan<Option<bool>>)[_ema, _external])
            if (parsed.GetValue(about))
                throw new ResNetException($"{about.Name} is about weights, and none are given; give {_weights.Name} {_weights.HelpName}, or leave it out");
        return null;
    }
}
