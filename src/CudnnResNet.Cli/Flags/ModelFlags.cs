using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using CudnnResNet.Models;

namespace CudnnResNet.Cli.Flags;

/// <summary>The flags that describe a network.</summary>
internal sealed class ModelFlags
{
    private const string Prefix = "resnet";

    /// <summary>What the weights are; no network has this depth.</summary>
    private const int Automatic = 0;

    private const string AutomaticWord = "auto";

    private static readonly ImmutableArray<int> AllDepths = ResNetSpec.Depths.AddRange(ResNetSpec.CifarDepths);

    private readonly Option<int?> _model = Flag.Make<int?>("--model",
        "The network: resnet18, 34, 50, 101, 152 or 200; resnet20, 32, 44, 56 or 110, the small ones for CIFAR; or auto, what "
        + "the weights are (default auto with weights, else resnet50).", "resnetN",
        text => text == AutomaticWord ? Automatic
            : text.StartsWith(Prefix, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int depth)
            && AllDepths.Contains(depth) ? depth : null,
        $"one of {AutomaticWord}, {string.Join(", ", AllDepths.Select(depth => $"{Prefix}{depth}"))}");

    private readonly Option<ResNetVersion?> _version = Flag.Choice("--version",
        "v1: a bottleneck's stride on its first 1x1; v1.5: on its 3x3, as torchvision; v2: pre-activation (default v1.5).",
        ("v1", ResNetVersion.V1), ("v1.5", ResNetVersion.V1_5), ("v2", ResNetVersion.V2));

    private readonly Option<ResNetStem?> _stem = Flag.Choice("--stem",
        "imagenet: 7x7 stride 2 and pool; cifar: 3x3, no pool; nodown: as imagenet with strides of 1 "
        + "(default imagenet; cifar to train from scratch on images under 64 pixels).",
        ("imagenet", ResNetStem.ImageNet), ("cifar", ResNetStem.Cifar), ("nodown", ResNetStem.NoDown));

    private readonly Option<ResNetShortcut?> _shortcut = Flag.Choice("--shortcut",
        "Where shapes change: projection: a 1x1 convolution; padding: no weights, zeros as further channels "
        + "(default projection; padding for resnet20 to 110).",
        ("projection", ResNetShortcut.Projection), ("padding", ResNetShortcut.Padding));

    private readonly Option<int?> _classes = Flag.Whole("--classes",
        "Classes; 1 means a sigmoid (default: the data set's or the weights', else 1000).");

    private readonly Option<int?> _inputChannels = Flag.Whole("--input-channels",
        "Channels of the images (default: the data set's or the weights', else 3).");

    private readonly Option<int?> _width = Flag.Whole("--width", "Channels of the stem (default 64; 16 for resnet20 to 110).");

    private readonly Option<bool> _bias = Flag.Switch("--conv-bias", "Give every convolution a bias.");

    private readonly Option<double?> _epsilon = Flag.Number("--bn-epsilon", "Epsilon of the batch norms (default 1e-5).");

    private readonly Option<double?> _momentum = Flag.Number("--bn-momentum",
        "Weight of the new batch in the running statistics (default 0.1, as PyTorch).");

    public void AddTo(Command command)
    {
        command.Add(_model);
        command.Add(_version);
        command.Add(_stem);
        command.Add(_shortcut);
        command.Add(_classes);
        command.Add(_inputChannels);
        command.Add(_width);
        command.Add(_bias);
        command.Add(_epsilon);
        command.Add(_momentum);
    }

    public ModelRequest Read(ParseResult parsed) => new(
        parsed.GetValue(_model) is { } depth && depth != Automatic ? depth : null,
        parsed.GetValue(_model) == Automatic,
        parsed.GetValue(_version), parsed.GetValue(_stem), parsed.GetValue(_shortcut), parsed.GetValue(_classes),
        parsed.GetValue(_inputChannels), parsed.GetValue(_width), parsed.GetValue(_bias) ? true : null,
        parsed.GetValue(_epsilon), parsed.GetValue(_momentum));
}
