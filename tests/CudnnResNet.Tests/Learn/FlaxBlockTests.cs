using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Learn;

/// <summary>docs/learn/flax-block.md.</summary>
public class FlaxBlockTests
{
    /// <summary>1x1, 3x3, 1x1 with the identity; the batch's statistics come back, and the output is flat in NHWC order.</summary>
    [Fact]
    public void TheBlockReturnsItsBatchStatistics()
    {
        const int N = 2, Size = 4, Channels = 2, Wide = 4 * Channels;
        BlockSpec block = new(ResNetVersion.V1_5, IsBottleneck: true, InChannels: Wide, Channels, Stride: 1)
        {
            BatchNormMomentum = 0.01,
        };
        string[] statistics = [.. Enumerable.Range(1, 3).SelectMany(i => (string[])[$"bn{i}.mean", $"bn{i}.inverse_deviation"])];
        BlockRun run = new(ResidualBlock.Build(block, N, Size, Size, Precision.Fp64, BuildMode.Training), ["out.y", .. statistics]);

        PlainLayers x = new(N, Size, Size, Wide, run.Input("x")), y = x;
        foreach ((int i, int k, int window) in new[] { (1, Channels, 1), (2, Channels, 3), (3, Wide, 1) })
        {
            (y, double[] mean, double[] variance) = y.FixedPaddingConvolution(run.Input($"conv{i}.weight"), k, window, stride: 1)
                .NormalisedByBatch(run.Input($"bn{i}.weight"), run.Input($"bn{i}.bias"));
            TensorFlowTutorialTests.AssertClose(mean, run.Output($"bn{i}.mean"));
            TensorFlowTutorialTests.AssertClose(variance, [.. run.Output($"bn{i}.inverse_deviation").Select(d => 1 / (d * d) - 1e-5)]);
            y = i < 3 ? y.Rectified() : y;
        }
        double[] flattened = y.Plus(x).Rectified().Values;
        Assert.Equal(N * Size * Size * Wide, flattened.Length);
        TensorFlowTutorialTests.AssertClose(flattened, run.Output("out.y"));
    }
}
