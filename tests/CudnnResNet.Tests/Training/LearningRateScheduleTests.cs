using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

/// <summary>Schedules against PyTorch's lr_scheduler over 60 steps; its recursions round a few times a step.</summary>
public class LearningRateScheduleTests
{
    private const double Tolerance = 60 * 4 * 1.2e-16 * 0.4;

    private static readonly TrainingOptions Options = new()
    {
        Spec = new ResNetSpec { Depth = 18 },
        Precision = Precision.Fp32,
        Batch = 10,
        LearningRate = 0.4,
    };

    [Theory]
    [InlineData(0, 0.4)]
    [InlineData(25, 0.34142135623730951)]
    [InlineData(50, 0.2)]
    [InlineData(100, 0)]
    public void CosineFallsFromTheBaseRateToZero(long step, double expected) =>
        Assert.Equal(expected, new LearningRateSchedule(ScheduleKind.Cosine, 0.4, 100).At(step), 1e-15);

    [Fact]
    public void ConstantStays() => Assert.Equal(0.4, new LearningRateSchedule(ScheduleKind.Constant, 0.4, 100).At(99));

    [Fact]
    public void Cosine() => AssertRates("cosine", Options with { Schedule = ScheduleKind.Cosine }, imagesPerEpoch: 100);

    [Fact]
    public void WarmupAndCosine() => AssertRates("warmup-cosine",
        Options with { Schedule = ScheduleKind.Cosine, WarmupSteps = 10 }, imagesPerEpoch: 100);

    /// <summary>Ten steps an epoch, then twenty: the same warm-up of ten steps.</summary>
    [Theory]
    [InlineData(100, 1)]
    [InlineData(200, 0.5)]
    public void WarmupInEpochs(int imagesPerEpoch, double epochs) => AssertRates("warmup-cosine",
        Options with { Schedule = ScheduleKind.Cosine, WarmupEpochs = epochs }, imagesPerEpoch);

    [Fact]
    public void Step() => AssertRates("step",
        Options with { Schedule = ScheduleKind.Step, StepEpochs = [2, 3, 5], StepGamma = 0.2 }, imagesPerEpoch: 100);

    [Fact]
    public void WarmupAndStep() => AssertRates("warmup-step",
        Options with { Schedule = ScheduleKind.Step, StepEpochs = [2, 4], WarmupEpochs = 1, WarmupFrom = 0.1 }, imagesPerEpoch: 100);

    [Fact]
    public void Linear() => AssertRates("linear",
        Options with { Schedule = ScheduleKind.Linear, RatePoints = [new(0, 0), new(1.25, 0.4), new(6, 0.04)] }, imagesPerEpoch: 80);

    /// <summary>105 images are 10.5 batches of 10 where remainders are carried on: epochs 2 and 3 begin with steps 21 and 31.</summary>
    [Fact]
    public void EpochsMayEndInsideABatch()
    {
        LearningRateSchedule schedule = Of(Options with { Schedule = ScheduleKind.Step, StepEpochs = [2, 3] }, 105);
        Assert.Equal([21L, 31L], schedule.Milestones.AsEnumerable());
    }

    [Fact]
    public void AWarmupAsLongAsTheRunIsRefused()
    {
        ResNetException error = Assert.Throws<ResNetException>(() => Of(Options with { WarmupSteps = 60 }, 100));
        Assert.Contains("warm-up of 60 steps", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AMilestoneWithinTheWarmupIsRefused()
    {
        ResNetException error = Assert.Throws<ResNetException>(() => Of(
            Options with { Schedule = ScheduleKind.Step, StepEpochs = [1], WarmupSteps = 20 }, 100));
        Assert.Contains("epoch 1", error.Message, StringComparison.Ordinal);
    }

    private static LearningRateSchedule Of(TrainingOptions options, int imagesPerEpoch)
    {
        options.Validate();
        LoaderOptions loader = new(options.Batch, Shuffle: true, Seed: 1, Augmentation.None, Normalization.None);
        return LearningRateSchedule.Of(options, 60, loader, imagesPerEpoch);
    }

    private static void AssertRates(string name, TrainingOptions options, int imagesPerEpoch)
    {
        double[] expected = RecipeRun.Schedule(name);
        LearningRateSchedule schedule = Of(options, imagesPerEpoch);
        Assert.Equal(60, expected.Length);
        for (int step = 0; step < expected.Length; step++)
            Assert.Equal(expected[step], schedule.At(step), Tolerance);
    }
}
