using CudnnResNet.Data;
using CudnnResNet.Models;

namespace CudnnResNet.Cli.Flags;

/// <summary>What was asked of a network; null is left open.</summary>
/// <param name="IsAutomatic">The weights must say what it is.</param>
internal sealed record ModelRequest(
    int? Depth, bool IsAutomatic, ResNetVersion? Version, ResNetStem? Stem, ResNetShortcut? Shortcut, int? Classes, int? InputChannels, int? Width,
    bool? ConvolutionBias, double? BatchNormEpsilon, double? BatchNormMomentum)
{
    /// <summary>Larger images are too much work without the ImageNet stem's reduction.</summary>
    private const int SmallImage = 64;

    /// <summary>
    /// The network: what was asked, else what the weights are, else what the data need, else torchvision's resnet50.
    /// </summary>
    /// <param name="weights">Those that the network begins with, or serves.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="replacesHead">Other classes than the weights have are a new classifier.</param>
    /// <exception cref="ResNetException">A flag contradicts the weights, or has no meaning.</exception>
    public ResNetSpec Resolve(WeightsFile? weights, IDataSet? data = null, bool replacesHead = false)
    {
        if (IsAutomatic && weights is null)
            throw new ResNetException("--model auto is what weights are, and none are given; name a network");
        if (Depth is null && weights is { Doubt: { } doubt })
            throw new ResNetException($"{weights.Path} holds no ResNet that is known: {doubt}; give other weights, or --model and the like");
        ResNetSpec open = weights is null ? OfData(data) : weights.Spec;
        if (weights is { IsDescribed: true })
            RequireAgreement(weights, replacesHead);
        ResNetSpec spec = new()
        {
            Depth = Depth ?? open.Depth,
            Version = Version ?? open.Version,
            Stem = Stem ?? open.Stem,
            Shortcut = Shortcut ?? open.Shortcut,
            Classes = Classes ?? open.Classes,
            InputChannels = InputChannels ?? open.InputChannels,
            Width = Width ?? open.Width,
            ConvolutionBias = ConvolutionBias ?? open.ConvolutionBias,
            BatchNormEpsilon = BatchNormEpsilon ?? open.BatchNormEpsilon,
            BatchNormMomentum = BatchNormMomentum ?? open.BatchNormMomentum,
        };
        spec.Validate();
        return spec;
    }

    /// <summary>Where the network's open properties came from, in parentheses; empty where nothing was open.</summary>
    public string Origin(WeightsFile? weights, bool hasData)
    {
        if (weights is not null)
            return $" (from {weights.Path})";
        List<string> open = [];
        if (Classes is null)
            open.Add("classes");
        if (InputChannels is null)
            open.Add("input channels");
        if (Stem is null)
            open.Add("stem");
        return hasData && open.Count > 0 ? $" ({string.Join(", ", open)} chosen for the data)" : "";
    }

    private ResNetSpec OfData(IDataSet? data)
    {
        ResNetSpec standard = Depth is { } depth ? ResNetSpec.Standard(depth) : new ResNetSpec();
        return data is null
            ? standard
            : standard with
            {
                Classes = data.ClassCount,
                InputChannels = data.Channels,
                Stem = Math.Min(data.Height, data.Width) < SmallImage ? ResNetStem.Cifar : standard.Stem,
            };
    }

    private void RequireAgreement(WeightsFile weights, bool replacesHead)
    {
        ResNetSpec spec = weights.Spec;
        Require("--model", Depth, spec.Depth, depth => $"resnet{depth}");
        Require("--version", Version, spec.Version, ModelText.Word);
        Require("--stem", Stem, spec.Stem, ModelText.Word);
        Require("--shortcut", Shortcut, spec.Shortcut, ModelText.Word);
        if (!replacesHead)
            Require("--classes", Classes, spec.Classes, count => $"{count}");
        Require("--input-channels", InputChannels, spec.InputChannels, count => $"{count}");
        Require("--width", Width, spec.Width, count => $"{count}");
        Require("--conv-bias", ConvolutionBias, spec.ConvolutionBias, has => has ? "with" : "without");

        void Require<T>(string flag, T? asked, T actual, Func<T, string> text)
            where T : struct
        {
            if (asked is { } value && !value.Equals(actual))
                throw new ResNetException($"{weights.Path} holds a network with {flag} {text(actual)}, not {text(value)}; leave {flag} out");
        }
    }
}
