using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>What a run reported and left behind, apart from its speed.</summary>
internal sealed record RunTrace(
    List<StepRecord> Steps, List<EpochRecord> Epochs, Dictionary<string, byte[]> State, string Plan);

/// <summary>A training run small enough to be repeated often.</summary>
internal static class SmallTraining
{
    /// <summary>Two epochs of five steps each (21 images, batches of 4, the remainder carried).</summary>
    public static TrainingOptions Options(string? outputFolder, Precision precision = Precision.Fp32) => new()
    {
        Spec = new ResNetSpec { Depth = 18, Width = 8, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar },
        Precision = precision,
        Batch = 4,
        Epochs = 2,
        LearningRate = 0.05,
        Optimizer = new SgdOptions(0.9, 1e-4),
        Seed = 5,
        Augmentation = Augmentation.Standard(2),
        EvaluationBatch = 8,
        OutputFolder = outputFolder,
    };

    /// <summary>21 images of 12 x 12 in three classes.</summary>
    public static ByteImageSet Data(int seed = 3)
    {
        const int Count = 21;
        byte[] pixels = new byte[Count * 12 * 12];
        new Random(seed).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (12, 12, 1), [.. Enumerable.Range(0, Count).Select(i => i % 3)], ["a", "b", "c"]);
    }

    public static RunTrace Run(TrainingOptions options, IBackend backend, CompilerOptions compiler,
        Resumption? resumption = null, long stopAfter = long.MaxValue, IDataSet? train = null, IDataSet? test = null)
    {
        using Trainer trainer = Trainer.Create(options, train ?? Data(), test ?? Data(seed: 4), backend, compiler, resumption);
        using CancellationTokenSource cancellation = new();
        List<StepRecord> steps = [];
        List<EpochRecord> epochs = [];
        _ = trainer.Run(new TrainingObserver
        {
            OnStep = step =>
            {
                steps.Add(step with { ImagesPerSecond = 0 });
                if (step.Step == stopAfter)
                    cancellation.Cancel();
            },
            OnEpoch = epoch => epochs.Add(epoch with { Seconds = 0 }),
        }, cancellation.Token);
        Dictionary<string, byte[]> state = [];
        foreach (NamedTensor tensor in trainer.Session.SaveWeights().Tensors.Values.Concat(trainer.Session.SaveOptimizer()))
            state.Add(tensor.Name, tensor.Data.ToArray());
        return new RunTrace(steps, epochs, state, PlanText.Fingerprint(trainer.Session.Compiled.Schedule));
    }

    public static void AssertSame(RunTrace expected, RunTrace actual)
    {
        Assert.Equal(expected.Steps, actual.Steps);
        Assert.Equal(expected.Epochs, actual.Epochs);
        AssertSameState(expected, actual);
    }

    public static void AssertSameState(RunTrace expected, RunTrace actual)
    {
        Assert.Equal(expected.State.Keys.Order(), actual.State.Keys.Order());
        foreach ((string name, byte[] bytes) in expected.State)
            Assert.True(bytes.AsSpan().SequenceEqual(actual.State[name]), name);
    }
}
