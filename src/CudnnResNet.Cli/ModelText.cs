using CudnnResNet.Models;

namespace CudnnResNet.Cli;

/// <summary>Networks in words, as the flags spell them.</summary>
internal static class ModelText
{
    public static string Word(ResNetVersion version) => version switch
    {
        ResNetVersion.V1 => "v1",
        ResNetVersion.V1_5 => "v1.5",
        _ => "v2",
    };

    public static string Word(ResNetStem stem) => stem switch
    {
        ResNetStem.ImageNet => "imagenet",
        ResNetStem.Cifar => "cifar",
        _ => "nodown",
    };

    public static string Word(ResNetShortcut shortcut) => shortcut switch
    {
        ResNetShortcut.Projection => "projection",
        _ => "padding",
    };

    public static string Name(ResNetSpec spec) => $"resnet{spec.Depth}";

    /// <summary>For example <c>resnet18 v1.5, cifar stem, width 16, 10 classes, 1 input channel</c>.</summary>
    public static string Describe(ResNetSpec spec) =>
        $"{Name(spec)} {Word(spec.Version)}, {Word(spec.Stem)} stem, width {spec.Width}, {Count(spec.Classes, "class", "classes")}, "
        + Count(spec.InputChannels, "input channel", "input channels")
        + (spec.Shortcut == ResNetShortcut.Padding ? ", padded shortcuts" : "")
        + (spec.ConvolutionBias ? ", biases on convolutions" : "");

    /// <summary>The flags that build the network.</summary>
    public static string Flags(ResNetSpec spec) =>
        $"--model {Name(spec)} --version {Word(spec.Version)} --stem {Word(spec.Stem)} --classes {spec.Classes} "
        + $"--input-channels {spec.InputChannels} --width {spec.Width} --shortcut {Word(spec.Shortcut)}{(spec.ConvolutionBias ? " --conv-bias" : "")}";

    private static string Count(int number, string one, string many) => $"{number} {(number == 1 ? one : many)}";
}
