using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Models;

public class ResNetGraphTests
{
    /// <summary>torchvision's counts for 1000 classes.</summary>
    [Theory]
    [InlineData(18, 11_689_512)]
    [InlineData(34, 21_797_672)]
    [InlineData(50, 25_557_032)]
    [InlineData(101, 44_549_160)]
    [InlineData(152, 60_192_808)]
    public void ParameterCounts(int depth, long expected)
    {
        LayerGraph graph = ResNetGraph.Inference(new ResNetSpec { Depth = depth }, 1, 224, 224, Precision.Fp32);
        Assert.Equal(expected, graph.WithRole(ValueRole.Parameter).Sum(value => value.Shape.Elements));
    }

    /// <summary>4.09e9 for torchvision's resnet50, 3.86e9 for the paper's (stride on the 1x1).</summary>
    [Theory]
    [InlineData(ResNetVersion.V1_5, 4_089_184_256)]
    [InlineData(ResNetVersion.V1, 3_857_973_248)]
    public void MultiplyAdds(ResNetVersion version, long expected)
    {
        LayerGraph graph = ResNetGraph.Inference(new ResNetSpec { Version = version }, 1, 224, 224, Precision.Fp32);
        long sum = graph.Nodes.Sum(node => node.Operation switch
        {
            ConvolutionForward convolution => convolution.Geometry.MultiplyAdds,
            Linear linear => (long)linear.InFeatures * linear.OutFeatures,
            _ => 0,
        });
        Assert.Equal(expected, sum);
    }

    [Fact]
    public void BiasOnEveryConvolution()
    {
        LayerGraph graph = ResNetGraph.Inference(
            new ResNetSpec { ConvolutionBias = true }, 1, 64, 64, Precision.Fp32);
        Assert.All(graph.Nodes.Where(node => node.Operation is ConvolutionForward),
            node => Assert.Equal(3, node.Inputs.Length));
        Assert.Equal(64, graph.Find("conv1.bias").Shape.Elements);
    }

    [Fact]
    public void TrainingOverASingleValuePerChannelIsAnError()
    {
        ResNetException error = Assert.Throws<ResNetException>(() => ResNetGraph.Training(
            new ResNetSpec { Depth = 18 }, 1, 32, 32, Precision.Fp32, labelSmoothing: 0));
        Assert.Contains("single value per channel", error.Message, StringComparison.Ordinal);
        Assert.Contains("layer4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(21)]
    [InlineData(0)]
    public void UnknownDepthIsAnError(int depth) => Assert.Throws<ResNetException>(() =>
        ResNetGraph.Inference(new ResNetSpec { Depth = depth }, 1, 64, 64, Precision.Fp32));
}
