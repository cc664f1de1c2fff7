using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Learn;

/// <summary>docs/learn/tensorflow-tutorial.md.</summary>
public class TensorFlowTutorialTests
{
    private const double Tolerance = 1e-11;

    /// <summary>A regular block on 64 channels and a bottleneck on 256: about the same weights for four times the channels.</summary>
    [Theory]
    [InlineData(false, 64, 73_856)]
    [InlineData(true, 256, 70_016)]
    public void ABottleneckOnFourTimesTheChannelsHasFewerParameters(bool isBottleneck, int channels, long expected)
    {
        BlockSpec block = new(ResNetVersion.V1, isBottleneck, InChannels: channels, Channels: 64, Stride: 1) { ConvolutionBias = true };
        LayerGraph graph = ResidualBlock.Build(block, n: 1, h: 56, w: 56, Precision.Fp32, BuildMode.Inference);
        Assert.Equal(expected, graph.WithRole(ValueRole.Parameter)
            .Where(value => value.Name.StartsWith("conv", StringComparison.Ordinal)).Sum(value => value.Shape.Elements));
    }

    /// <summary>Padding by the filter alone and the symmetric padding of the blocks are one thing, whatever the image's size.</summary>
    [Theory]
    [InlineData(8)]
    [InlineData(7)]
    public void TheProjectionShortcutReadsThePreActivatedInput(int size)
    {
        const int N = 2, In = 3, Out = 4;
        BlockSpec block = new(ResNetVersion.V2, IsBottleneck: false, In, Out, Stride: 2);
        BlockRun run = new(ResidualBlock.Build(block, N, size, size, Precision.Fp64, BuildMode.Inference), "out.y");

        PlainLayers x = new(N, size, size, In, run.Input("x"));
        PlainLayers activated = Norm(x, "bn1").Rectified();
        PlainLayers shortcut = activated.FixedPaddingConvolution(run.Input("downsample.0.weight"), Out, window: 1, stride: 2);
        PlainLayers y = activated.FixedPaddingConvolution(run.Input("conv1.weight"), Out, window: 3, stride: 2);
        y = Norm(y, "bn2").Rectified().FixedPaddingConvolution(run.Input("conv2.weight"), Out, window: 3, stride: 1);
        AssertClose(y.Plus(shortcut).Values, run.Output("out.y"));

        PlainLayers Norm(PlainLayers z, string name) => z.Normalised(run.Input($"{name}.weight"), run.Input($"{name}.bias"),
            run.Input($"{name}.running_mean"), run.Input($"{name}.running_var"));
    }

    [Fact]
    public void TheRegularBlockAddsItsInput()
    {
        const int N = 2, Size = 5, Channels = 4;
        BlockSpec block = new(ResNetVersion.V1, IsBottleneck: false, Channels, Channels, Stride: 1);
        BlockRun run = new(ResidualBlock.Build(block, N, Size, Size, Precision.Fp64, BuildMode.Inference), "out.y");
        PlainLayers x = new(N, Size, Size, Channels, run.Input("x")), y = x;
        foreach (int i in (int[])[1, 2])
        {
            y = y.FixedPaddingConvolution(run.Input($"conv{i}.weight"), Channels, window: 3, stride: 1)
                .Normalised(run.Input($"bn{i}.weight"), run.Input($"bn{i}.bias"), run.Input($"bn{i}.running_mean"), run.Input($"bn{i}.running_var"));
            y = i == 1 ? y.Rectified() : y;
        }
        AssertClose(y.Plus(x).Rectified().Values, run.Output("out.y"));
    }

    internal static void AssertClose(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Tolerance * scale);
    }
}
