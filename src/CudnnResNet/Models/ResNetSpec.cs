using System.Collections.Immutable;

namespace CudnnResNet.Models;

public enum ResNetVersion
{
    /// <summary>The paper's: a bottleneck's stride on its first 1x1 (He et al. 2015, arXiv 1512.03385).</summary>
    V1,

    /// <summary>A bottleneck's stride on its 3x3: torchvision's.</summary>
    V1_5,

    /// <summary>Full pre-activation (He et al. 2016, arXiv 1603.05027); the projection reads the pre-activated input.</summary>
    V2,
}

public enum ResNetStem
{
    /// <summary>7x7 stride 2, then 3x3 max pool stride 2.</summary>
    ImageNet,

    /// <summary>3x3 stride 1, no pool.</summary>
    Cifar,

    /// <summary>The ImageNet stem with both strides 1.</summary>
    NoDown,
}

/// <summary>What a shortcut does where the shape changes (He et al. 2015, section 3.3).</summary>
public enum ResNetShortcut
{
    /// <summary>A 1x1 convolution (option B).</summary>
    Projection,

    /// <summary>No weights: every second pixel, with zeros as further channels (option A).</summary>
    Padding,
}

/// <summary>Describes one network of the family. Defaults are torchvision's resnet50.</summary>
public sealed record ResNetSpec
{
    private const int CifarWidth = 16;
    private const int MostChannels = 65_536;

    /// <summary>One of <see cref="Depths"/> in four stages, or one of <see cref="CifarDepths"/> in three.</summary>
    public int Depth { get; init; } = 50;
    public ResNetVersion Version { get; init; } = ResNetVersion.V1_5;
    public ResNetStem Stem { get; init; } = ResNetStem.ImageNet;

    public ResNetShortcut Shortcut { get; init; } = ResNetShortcut.Projection;

    /// <summary>Logits per image. One class means a sigmoid and binary cross-entropy.</summary>
    public int Classes { get; init; } = 1000;

    /// <summary>Labels that so many logits tell apart: the one logit of a sigmoid two.</summary>
    public static int LabelsOf(int classes) => Math.Max(classes, 2);

    public int InputChannels { get; init; } = 3;

    /// <summary>Channels of the stem; stage i has Width * 2^i, times four behind bottlenecks.</summary>
    public int Width { get; init; } = 64;

    /// <summary>A bias on every convolution.</summary>
    public bool ConvolutionBias { get; init; }

    /// <summary>PyTorch 1e-5; Keras 1.001e-5; Flax 1e-5.</summary>
    public double BatchNormEpsilon { get; init; } = 1e-5;

    /// <summary>The weight of the new batch in the running statistics: PyTorch 0.1; Keras and Flax 0.01 (written there as 0.99).</summary>
    public double BatchNormMomentum { get; init; } = 0.1;

    public static ImmutableArray<int> Depths { get; } = [18, 34, 50, 101, 152, 200];

    /// <summary>The paper's networks for CIFAR-10: 6n + 2 layers in three stages of basic blocks.</summary>
    public static ImmutableArray<int> CifarDepths { get; } = [20, 32, 44, 56, 110];

    /// <summary>
    /// The network of a depth as its authors built it: torchvision's for ImageNet, or, at <see cref="CifarDepths"/>, that
    /// of He et al. 2015 for CIFAR-10: 3x3 stem, widths 16, 32 and 64, shortcuts without weights, 10 classes.
    /// </summary>
    public static ResNetSpec Standard(int depth) => CifarDepths.Contains(depth)
        ? new ResNetSpec
        {
            Depth = depth,
            Stem = ResNetStem.Cifar,
            Shortcut = ResNetShortcut.Padding,
            Width = CifarWidth,
            Classes = 10,
        }
        : new ResNetSpec { Depth = depth };

    public bool IsBottleneck => Depth >= 50 && !CifarDepths.Contains(Depth);

    public int Stages => BlocksPerStage.Length;

    public ImmutableArray<int> BlocksPerStage => Depth switch
    {
        18 => [2, 2, 2, 2],
        34 or 50 => [3, 4, 6, 3],
        101 => [3, 4, 23, 3],
        152 => [3, 8, 36, 3],
        200 => [3, 24, 36, 3],
        _ when CifarDepths.Contains(Depth) => [(Depth - 2) / 6, (Depth - 2) / 6, (Depth - 2) / 6],
        _ => throw new ResNetException($"There is no ResNet of depth {Depth}; choose 18, 34, 50, 101, 152 or 200, "
            + "or 20, 32, 44, 56 or 110 of the small family for CIFAR."),
    };

    /// <summary>The height and width for which the stem was made.</summary>
    public int DefaultImageSize => Stem == ResNetStem.ImageNet ? 224 : 32;

    /// <exception cref="ResNetException">A field has no meaning; the message names it.</exception>
    public void Validate()
    {
        _ = BlocksPerStage;
        if (!Enum.IsDefined(Version) || !Enum.IsDefined(Stem) || !Enum.IsDefined(Shortcut))
            throw new ResNetException($"There is no ResNet of version {Version} with stem {Stem} and shortcut {Shortcut}.");
        RequireExtent(Classes, int.MaxValue / 2, "classes");
        RequireExtent(InputChannels, MostChannels, "input channels");
        RequireExtent(Width, MostChannels, "width");
        if (!(BatchNormEpsilon > 0))
            throw new ResNetException($"A batch-norm epsilon of {BatchNormEpsilon} is not positive; PyTorch uses 1e-5.");
        if (!(BatchNormMomentum is > 0 and <= 1))
            throw new ResNetException($"A batch-norm momentum of {BatchNormMomentum} is not in (0, 1]; PyTorch uses 0.1.");
    }

    private static void RequireExtent(int value, int most, string name)
    {
        if (value < 1 || value > most)
            throw new ResNetException($"A network with {value} {name} cannot be built; give at least 1{(value < 1 ? "" : $", at most {most}")}.");
    }
}
