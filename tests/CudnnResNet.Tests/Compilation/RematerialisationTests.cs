using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Compilation;

public class RematerialisationTests
{
    /// <summary>Recomputing repeats the same arithmetic: the losses are PyTorch's to the same 1e-9.</summary>
    [Theory]
    [InlineData("resnet18-v1.5-imagenet")]
    [InlineData("resnet18-v2-cifar")]
    [InlineData("resnet50-v1.5-imagenet")]
    public void LossesStayUnderAMemoryLimit(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        StepOptions step = new(new SgdOptions(golden.Momentum, golden.WeightDecay), golden.LabelSmoothing);
        TrainingSession Create(long? limit) => TrainingSession.Create(GoldenNetwork.Spec(golden), golden.Batch,
            golden.ImageSize, golden.ImageSize, Precision.Fp64, step, backend,
            GoldenNetwork.Untuned with { MemoryLimitBytes = limit });

        long unlimited;
        long persistent;
        using (TrainingSession session = Create(limit: null))
            (unlimited, persistent) = (session.Compiled.Memory.PeakBytes, session.Compiled.Memory.PersistentBytes);
        long limit = persistent + (long)(0.9 * (unlimited - persistent));
        using TrainingSession limited = Create(limit);
        Assert.InRange(limited.Compiled.Memory.PeakBytes, 0, limit);
        limited.LoadWeights(GoldenNetwork.Weights(golden, limited.WeightValues));
        int[] labels = [.. GoldenFill.Labels(golden).Select(label => (int)label)];
        foreach (double expected in golden.TrainLosses)
            Assert.Equal(expected, limited.Step(GoldenNetwork.Images(golden), labels, golden.LearningRate), 1e-9 * expected);
    }

    /// <summary>Without measurements every node costs the same, so a byte is cheapest where values are large and few nodes make them.</summary>
    [Fact]
    public void TheCheapestBytesAreFreedFirst()
    {
        using ReferenceBackend backend = new(1);
        LayerGraph step = TrainingSession.StepGraph(new ResNetSpec { Depth = 18 }, 2, 64, 64, Precision.Fp32,
            new StepOptions(new SgdOptions(0.9, 0)));
        KernelSelector selector = new(backend, PlanCache.Open(null, backend.Identity), pool: null);
        double Price(ValueId id) =>
            (Rematerialisation.Apply(step, [id]).Nodes.Length - step.Nodes.Length) / (double)step[id].Bytes;

        ValueId[] order = [.. RecomputationOrder.CheapestFirst(step, selector)];

        Assert.Equal(Rematerialisation.Candidates(step).ToHashSet(), [.. order]);
        Assert.NotEqual(Rematerialisation.Candidates(step), order);
        Assert.Equal(order.Select(Price).Order(), order.Select(Price));
    }

    [Fact]
    public void ALimitThatCannotBeKeptIsAnError()
    {
        using ReferenceBackend backend = new(1);
        ResNetException error = Assert.Throws<ResNetException>(() => TrainingSession.Create(
            new ResNetSpec { Depth = 18 }, 2, 64, 64, Precision.Fp32, new StepOptions(new SgdOptions(0.9, 0)), backend,
            GoldenNetwork.Untuned with { MemoryLimitBytes = 3 << 20 }));
        Assert.Contains("more than the limit of 3 MiB", error.Message, StringComparison.Ordinal);
    }
}
