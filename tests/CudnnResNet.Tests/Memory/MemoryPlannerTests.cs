using CudnnResNet.Autodiff;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Scheduling;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Memory;

public class MemoryPlannerTests
{
    [Theory]
    [InlineData(18, ResNetVersion.V1_5)]
    [InlineData(50, ResNetVersion.V1_5)]
    [InlineData(50, ResNetVersion.V2)]
    public void NothingThatLivesAtTheSameTimeOverlaps(int depth, ResNetVersion version)
    {
        MemoryPlan plan = Plan(depth, version);
        for (int i = 0; i < plan.Transient.Length; i++)
            for (int j = 0; j < i; j++)
            {
                (Allocation a, Allocation b) = (plan.Transient[i], plan.Transient[j]);
                bool sameTime = a.FirstStep <= b.LastStep && b.FirstStep <= a.LastStep;
                bool samePlace = a.Region.OffsetBytes < b.Region.OffsetBytes + b.Region.Bytes
                    && b.Region.OffsetBytes < a.Region.OffsetBytes + a.Region.Bytes;
                Assert.False(sameTime && samePlace, $"{a} overlaps {b}");
            }
    }

    [Theory]
    [InlineData(18, ResNetVersion.V1_5)]
    [InlineData(50, ResNetVersion.V1_5)]
    [InlineData(50, ResNetVersion.V2)]
    public void PeakIsNearItsLowerBound(int depth, ResNetVersion version)
    {
        MemoryPlan plan = Plan(depth, version);
        Assert.True(plan.LowerBoundBytes <= plan.TransientBytes);
        Assert.True(plan.TransientBytes <= 1.05 * plan.LowerBoundBytes,
            $"{plan.TransientBytes} bytes for a bound of {plan.LowerBoundBytes}");
        Assert.True(plan.TransientBytes < 0.7 * plan.WithoutReuseBytes);
    }

    [Fact]
    public void RegionsAreAligned()
    {
        MemoryPlan plan = Plan(18, ResNetVersion.V1_5);
        Assert.All(plan.Transient, allocation => Assert.Equal(0, allocation.Region.OffsetBytes % Region.Alignment));
        Assert.All(plan.Persistent.Values, region => Assert.Equal(0, region.OffsetBytes % Region.Alignment));
        Assert.Equal(0, plan.PersistentBytes % Region.Alignment);
    }

    /// <summary>relu over its input, then an addition that still needs the first result: one takeover, not two.</summary>
    [Fact]
    public void InPlaceOnlyAtTheLastRead()
    {
        GraphBuilder builder = new();
        TensorShape shape = TensorShape.Nhwc(1, 4, 4, 16);
        ValueId x = builder.Declare("x", shape, DataType.Float32, ValueRole.Input);
        ValueId a = builder.Apply(new Relu(), [x], "", "a")[0];
        ValueId b = builder.Apply(new Relu(), [a], "", "b")[0];
        ValueId c = builder.Apply(new Add(), [b, a], "", "c")[0];
        builder.MarkOutput(c);
        MemoryPlan plan = Plan(builder.ToGraph());
        Assert.Equal(2, plan.Transient.Length);
        Assert.Contains(plan.Transient, allocation => allocation.Values.SequenceEqual([b, c]));
        Assert.Equal(2 * shape.Elements * 4, plan.TransientBytes);
    }

    /// <summary>An output is read after the last step, also where the last step is the last that reads it.</summary>
    [Fact]
    public void NothingIsWrittenOverAnOutput()
    {
        GraphBuilder builder = new();
        ValueId x = builder.Declare("x", TensorShape.Nhwc(1, 4, 4, 16), DataType.Float32, ValueRole.Input);
        ValueId hidden = builder.Apply(new Relu(), [x], "", "hidden")[0];
        ValueId y = builder.Apply(new Relu(), [hidden], "", "y")[0];
        builder.MarkOutput(hidden);
        builder.MarkOutput(y);
        MemoryPlan plan = Plan(builder.ToGraph());
        Assert.DoesNotContain(plan.Transient, allocation => allocation.Values.Contains(hidden) && allocation.Values.Contains(y));
    }

    /// <summary>The argmax of a window is one byte.</summary>
    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void AWindowThatAByteCannotIndexIsRefusedWhereItIsIndexed(int window, bool isIndexed)
    {
        GraphBuilder builder = new();
        ValueId x = builder.Declare("x", TensorShape.Nhwc(1, 40, 40, 16), DataType.Float32, ValueRole.Input);
        MaxPool pool = new(new PoolGeometry(40, 40, 16, window, Stride: 8, Padding: 0));
        _ = builder.Apply(pool, [x], "", "y");
        if (isIndexed)
            Assert.Equal(2, builder.Apply(pool, [x], "", "z", "argmax").Length);
        else
            Assert.Contains("window of more than 16 x 16", Assert.Throws<ArgumentException>(() => builder.Apply(pool, [x], "", "z", "argmax")).Message, StringComparison.Ordinal);
    }

    private static MemoryPlan Plan(int depth, ResNetVersion version) => Plan(TrainingSession.StepGraph(
        new ResNetSpec { Depth = depth, Version = version }, 4, 96, 96, Precision.Fp32,
        new StepOptions(new SgdOptions(0.9, 1e-4))));

    private static MemoryPlan Plan(LayerGraph graph)
    {
        using CatalogBackend backend = new("bn_train relu", "relu_bwd bn_bwd", "*");
        KernelSelector selector = new(backend, PlanCache.Open(null, ""), pool: null);
        return MemoryPlanner.Plan(FusedPathScheduler.Schedule(graph, selector, constantWeights: false));
    }
}
