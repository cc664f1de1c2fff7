using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Weights;

public class WeightInitializationTests
{
    /// <summary>Exactly the gammas that PyTorch's modules have last in their branches; everything else is drawn as ever.</summary>
    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void ZeroInitTouchesTheLastBatchNormOfEachBranch(int depth)
    {
        ResNetSpec spec = new() { Depth = depth, Width = 4, Stem = ResNetStem.Cifar, Classes = 2 };
        var values = ResNetGraph.Inference(spec, 1, 8, 8, Precision.Fp32).Values
            .Where(value => value.Role is Graph.ValueRole.Parameter or Graph.ValueRole.State).ToArray();
        NetworkWeights usual = WeightInitialization.Create(values, seed: 1);
        NetworkWeights zeroed = WeightInitialization.Create(values, seed: 1, zeroInitLastBatchNorm: true);
        string[] changed = [.. usual.Tensors.Keys.Where(name =>
            !usual.Tensors[name].Data.Span.SequenceEqual(zeroed.Tensors[name].Data.Span))];
        Assert.Equal(RecipeRun.LastGammas(depth).Order(), changed.Order());
        Assert.All(changed, name => Assert.All(zeroed.Tensors[name].ToDoubles(), gamma => Assert.Equal(0, gamma)));
    }
}
