using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli;

/// <summary>Weights from a file, and what the file says of their network.</summary>
/// <param name="Path">The file.</param>
/// <param name="Weights">By torchvision's names.</param>
/// <param name="Spec">From the metadata, else from names and shapes, which leave v1 against v1.5 and the stem's stride open.</param>
/// <param name="IsDescribed">The metadata describe the network.</param>
/// <param name="Normalization">Of the images that it was trained on; null where the file does not say.</param>
internal sealed record WeightsFile(
    string Path, NetworkWeights Weights, ResNetSpec Spec, bool IsDescribed, Normalization? Normalization)
{
    private const int SmallStem = 3;

    /// <param name="path">The file.</param>
    /// <param name="wantsAverage">Take the moving average of a checkpoint's weights, whatever it says to serve.</param>
    /// <exception cref="ResNetException">No safetensors file, or none with a moving average.</exception>
    public static WeightsFile Load(string path, bool wantsAverage = false)
    {
        TensorFile file = Safetensors.Read(path);
        ResNetSpec? described = Checkpoint.SpecOf(file, path);
        return new WeightsFile(path, Checkpoint.ServedBy(file, path, wantsAverage), described ?? FromShapes(file),
            described is not null, Checkpoint.NormalizationOf(file, path));
    }

    private static ResNetSpec FromShapes(TensorFile file)
    {
        ResNetSpec spec = new();
        if (file.TryGet("fc.weight", out NamedTensor? classifier) && classifier.Shape.Length == 2)
            spec = spec with { Classes = Extent(classifier, 0) };
        if (file.TryGet("conv1.weight", out NamedTensor? stem) && stem.Shape.Length == 4)
            spec = spec with
            {
                Width = Extent(stem, 0),
                InputChannels = Extent(stem, 1),
                Stem = stem.Shape[2] == SmallStem ? ResNetStem.Cifar : ResNetStem.ImageNet,
            };
        return spec with
        {
            Depth = DepthOf(file) ?? spec.Depth,
            Version = file.TryGet("norm.weight") is null ? spec.Version : ResNetVersion.V2,
            ConvolutionBias = file.TryGet("conv1.bias") is not null,
        };
    }

    private static int? DepthOf(TensorFile file)
    {
        bool isBottleneck = file.TryGet("layer1.0.conv3.weight") is not null;
        foreach (int depth in ResNetSpec.Depths)
        {
            ResNetSpec spec = new() { Depth = depth };
            bool hasEveryBlock = Enumerable.Range(0, ResNetSpec.Stages).All(stage =>
                HasBlock(stage, spec.BlocksPerStage[stage] - 1) && !HasBlock(stage, spec.BlocksPerStage[stage]));
            if (hasEveryBlock && spec.IsBottleneck == isBottleneck)
                return depth;
        }
        return null;

        bool HasBlock(int stage, int block) => file.TryGet($"layer{stage + 1}.{block}.conv1.weight") is not null;
    }

    private static int Extent(NamedTensor tensor, int axis) => (int)Math.Min(tensor.Shape[axis], int.MaxValue);
}
