using System.Collections.Immutable;
using CudnnResNet.Models;

namespace CudnnResNet.Weights;

/// <summary>
/// The network whose tensors have these names and shapes. What shapes do not show has its usual value: v1.5 against v1,
/// the stem's strides, the batch norms' numbers.
/// </summary>
/// <param name="Spec">What is known, and defaults.</param>
/// <param name="Doubt">Why it is no network of the family; null where it is.</param>
public sealed record RecognizedNetwork(ResNetSpec Spec, string? Doubt)
{
    private const int SmallStem = 3;

    /// <param name="shapes">By torchvision's names, filters in OIHW.</param>
    public static RecognizedNetwork Of(IReadOnlyDictionary<string, ImmutableArray<long>> shapes)
    {
        ImmutableArray<int> blocks = BlocksOf(shapes);
        int? depth = DepthOf(blocks, shapes.ContainsKey("layer1.0.conv3.weight"));
        ResNetSpec spec = depth is { } known ? ResNetSpec.Standard(known) : new ResNetSpec();
        if (shapes.TryGetValue("fc.weight", out ImmutableArray<long> classifier) && classifier.Length == 2)
            spec = spec with { Classes = Extent(classifier[0]) };
        string? doubt = depth is null
            ? blocks.IsEmpty ? "it has no layer1.0.conv1.weight" : $"no ResNet has {string.Join(", ", blocks)} blocks in its stages"
            : null;
        if (shapes.TryGetValue("conv1.weight", out ImmutableArray<long> stem) && stem.Length == 4)
            spec = spec with
            {
                Width = Extent(stem[0]),
                InputChannels = Extent(stem[1]),
                Stem = stem[2] == SmallStem ? ResNetStem.Cifar : ResNetStem.ImageNet,
            };
        else
            doubt ??= "it has no conv1.weight of four extents";
        return new RecognizedNetwork(spec with
        {
            Version = shapes.ContainsKey("norm.weight") ? ResNetVersion.V2 : spec.Version,
            ConvolutionBias = shapes.ContainsKey("conv1.bias"),
            Shortcut = depth is null || shapes.ContainsKey("layer2.0.downsample.0.weight")
                ? ResNetShortcut.Projection
                : ResNetShortcut.Padding,
        }, doubt);
    }

    private static ImmutableArray<int> BlocksOf(IReadOnlyDictionary<string, ImmutableArray<long>> shapes)
    {
        List<int> blocks = [];
        for (int count = Count(1); count > 0; count = Count(blocks.Count + 1))
            blocks.Add(count);
        return [.. blocks];

        int Count(int stage)
        {
            int count = 0;
            while (shapes.ContainsKey($"layer{stage}.{count}.conv1.weight"))
                count++;
            return count;
        }
    }

    private static int? DepthOf(ImmutableArray<int> blocks, bool isBottleneck)
    {
        foreach (int depth in ResNetSpec.Depths.AddRange(ResNetSpec.CifarDepths))
        {
            ResNetSpec spec = new() { Depth = depth };
            if (spec.IsBottleneck == isBottleneck && spec.BlocksPerStage.SequenceEqual(blocks))
                return depth;
        }
        return null;
    }

    private static int Extent(long extent) => (int)Math.Clamp(extent, 1, int.MaxValue);
}
