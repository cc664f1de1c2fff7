using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

/// <summary>Two runs of one recipe on oneDNN and its threads, without tuning, agree in every bit of what they report and learn.</summary>
public class DeterminismTests
{
    [Theory]
    [InlineData(Precision.Fp32, 1)]
    [InlineData(Precision.Fp32, 2)]
    [InlineData(Precision.Fp32, 3)]
    [InlineData(Precision.Bf16, 1)]
    [InlineData(Precision.Bf16, 2)]
    [InlineData(Precision.Bf16, 3)]
    public void TwoRunsAreOne(Precision precision, int threads)
    {
        // Wide enough that batch norms and updates are shared out among the threads.
        TrainingOptions options = SmallTraining.Options(null, precision);
        options = options with { Spec = options.Spec with { Width = 16 }, Batch = 7, Epochs = 3 };
        SmallTraining.AssertSame(Run(options, threads), Run(options, threads));
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    public void SoTheyAreWithEveryOption(Precision precision)
    {
        TrainingOptions options = SmallTraining.Options(null, precision);
        options = options with
        {
            Spec = options.Spec with { Depth = 50 },
            Accumulate = 2,
            Optimizer = options.Optimizer with { Nesterov = true, AverageDecay = 0.9, ClipNorm = 1 },
            LabelSmoothing = 0.1,
        };
        SmallTraining.AssertSame(Run(options, threads: 2), Run(options, threads: 2));
    }

    /// <summary>What the comparison must be able to see: another number of threads sums in other parts.</summary>
    [Fact]
    public void AnotherNumberOfThreadsIsAnotherRun()
    {
        TrainingOptions options = SmallTraining.Options(null);
        options = options with { Spec = options.Spec with { Width = 16 }, Batch = 7, Epochs = 3 };
        Assert.NotEqual(Run(options, threads: 1).Steps, Run(options, threads: 3).Steps);
    }

    private static RunTrace Run(TrainingOptions options, int threads)
    {
        using OneDnnBackend backend = new(threads);
        return SmallTraining.Run(options, backend, GoldenNetwork.Untuned);
    }
}
