using CudnnResNet.Models;
using CudnnResNet.Onnx.Format;

namespace CudnnResNet.Onnx;

/// <summary>Which networks an ONNX graph could be, by its first convolution, its classifier and its number of convolutions.</summary>
internal static class OnnxRecognition
{
    private const int SmallStem = 3;

    /// <exception cref="ResNetException">There is no convolution on the images or no classifier.</exception>
    public static IEnumerable<ResNetSpec> Candidates(OnnxGraph graph)
    {
        NodeProto stem = graph.Nodes.FirstOrDefault(node => node.OpType == "Conv" && node.Input.Count > 1 && node.Input[0] == graph.Input)
            ?? throw graph.Bad("no convolution reads its input");
        if (graph.Constant(stem.Input[1]) is not { Dims: [> 0 and <= 65536 and long width, > 0 and <= 65536 and long channels, long window, _] })
            throw graph.Bad("its first convolution has no constant filter");
        int convolutions = graph.Nodes.Count(node => node.OpType == "Conv");
        bool hasBias = stem.Input.Count > 2;
        ResNetSpec common = new()
        {
            Width = (int)width,
            InputChannels = (int)channels,
            Classes = ClassesOf(graph),
            BatchNormEpsilon = EpsilonOf(graph),
            Stem = window == SmallStem ? ResNetStem.Cifar
                : OnnxGraph.All(stem, "strides", 2, 2, 1) ? ResNetStem.ImageNet : ResNetStem.NoDown,
        };
        foreach (int depth in ResNetSpec.Depths.AddRange(ResNetSpec.CifarDepths))
            foreach (ResNetShortcut shortcut in Enum.GetValues<ResNetShortcut>())
            {
                ResNetSpec spec = common with { Depth = depth, Shortcut = shortcut };
                if (Convolutions(spec) != convolutions)
                    continue;
                foreach (ResNetVersion version in Versions(spec))
                {
                    yield return spec with { Version = version };
                    if (hasBias)
                        yield return spec with { Version = version, ConvolutionBias = true };
                }
            }
    }

    /// <summary>A basic block has one place for its stride.</summary>
    private static ResNetVersion[] Versions(ResNetSpec spec) => spec.IsBottleneck
        ? [ResNetVersion.V1_5, ResNetVersion.V1, ResNetVersion.V2]
        : [ResNetVersion.V1_5, ResNetVersion.V2];

    private static int Convolutions(ResNetSpec spec)
    {
        int projections = spec.Shortcut == ResNetShortcut.Padding ? 0 : spec.Stages - (spec.IsBottleneck ? 0 : 1);
        return 1 + spec.BlocksPerStage.Sum() * (spec.IsBottleneck ? 3 : 2) + projections;
    }

    private static int ClassesOf(OnnxGraph graph)
    {
        string logits = graph.Through(graph.Output, "Softmax", "Identity");
        if (graph.Producer(logits) is { OpType: "Gemm" or "Add" } node)
            foreach (string input in node.Input.Reverse())
                if (graph.Constant(input) is { Dims: [> 0 and <= 1 << 20 and long classes] })
                    return (int)classes;
        throw graph.Bad("it does not end with a linear layer and a bias");
    }

    private static double EpsilonOf(OnnxGraph graph)
    {
        NodeProto? norm = graph.Nodes.FirstOrDefault(node => node.OpType == "BatchNormalization");
        double epsilon = norm is null ? 1e-5 : GraphMatch.Shortest(OnnxGraph.Number(norm, "epsilon", 1e-5f));
        return epsilon is > 0 and < 1 ? epsilon : 1e-5;
    }
}
