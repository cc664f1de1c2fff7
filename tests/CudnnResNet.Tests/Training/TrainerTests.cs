using CudnnResNet.Autodiff;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

public class TrainerTests
{
    /// <summary>Stopped in the middle of an epoch and resumed, a run gives the losses of an unbroken one, bit for bit.</summary>
    [Fact]
    public void ResumingContinuesBitIdentically()
    {
        using TemporaryFolder folder = new();
        List<double> unbroken = Run(Options(outputFolder: null), stopAfter: long.MaxValue, resumeFrom: null);
        Assert.Equal(10, unbroken.Count);

        List<double> first = Run(Options(folder.Path), stopAfter: 4, resumeFrom: null);
        List<double> second = Run(Options(folder.Path), long.MaxValue, Path.Combine(folder.Path, "last.safetensors"));
        Assert.Equal(unbroken, [.. first, .. second]);
    }

    [Fact]
    public void ACheckpointOfAnotherSeedIsRefused()
    {
        using TemporaryFolder folder = new();
        _ = Run(Options(folder.Path), stopAfter: 1, resumeFrom: null);
        ResNetException error = Assert.Throws<ResNetException>(() => Run(Options(folder.Path) with { Seed = 9 },
            long.MaxValue, Path.Combine(folder.Path, "last.safetensors")));
        Assert.Contains("seed was 5, is 9", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EpochsEndWithAnEvaluationAndCheckpoints()
    {
        using TemporaryFolder folder = new();
        List<EpochRecord> epochs = [];
        using ReferenceBackend backend = new(1);
        using Trainer trainer = Trainer.Create(Options(folder.Path), Data(), Data(), backend, GoldenNetwork.Untuned);
        TrainingResult result = trainer.Run(new TrainingObserver { OnEpoch = epochs.Add }, CancellationToken.None);
        Assert.Equal([1, 2], epochs.Select(epoch => epoch.Epoch));
        Assert.Equal([5L, 10L], epochs.Select(epoch => epoch.Step));
        Assert.Equal(epochs.Max(epoch => epoch.TestAccuracy), result.BestAccuracy);
        Assert.Equal(epochs[^1].TestAccuracy, result.Test!.Accuracy);

        Checkpoint last = Checkpoint.Load(Path.Combine(folder.Path, "last.safetensors"));
        Assert.Equal(10, last.Progress.Step);
        Assert.Equal(trainer.Session.Spec, last.Spec);
        foreach ((string name, NamedTensor tensor) in trainer.Session.SaveWeights().Tensors)
            Assert.Equal(tensor.ToFloats(), last.Weights.Tensors[name].ToFloats());
        Assert.True(File.Exists(Path.Combine(folder.Path, "best.safetensors")));
    }

    [Fact]
    public void ADivergingRunStopsWithTheStep()
    {
        ResNetException error = Assert.Throws<ResNetException>(() =>
            Run(Options(null) with { LearningRate = 1e30, Schedule = ScheduleKind.Constant }, long.MaxValue, null));
        Assert.Matches("loss became .* at step [0-9]+", error.Message);
    }

    [Fact]
    public void DataOfOtherChannelsIsRefused()
    {
        using ReferenceBackend backend = new(1);
        TrainingOptions options = Options(null) with { Spec = Options(null).Spec with { InputChannels = 3 } };
        ResNetException error = Assert.Throws<ResNetException>(
            () => Trainer.Create(options, Data(), null, backend, GoldenNetwork.Untuned));
        Assert.Contains("1 channels", error.Message, StringComparison.Ordinal);
    }

    private static List<double> Run(TrainingOptions options, long stopAfter, string? resumeFrom)
    {
        using ReferenceBackend backend = new(2);
        using Trainer trainer = Trainer.Create(options, Data(), test: null, backend, GoldenNetwork.Untuned,
            resumeFrom is null ? null : new Resumption(Checkpoint.Load(resumeFrom)));
        using CancellationTokenSource cancellation = new();
        List<double> losses = [];
        _ = trainer.Run(new TrainingObserver
        {
            OnStep = step =>
            {
                losses.Add(step.Loss);
                if (step.Step == stopAfter)
                    cancellation.Cancel();
            },
        }, cancellation.Token);
        return losses;
    }

    private static TrainingOptions Options(string? outputFolder) => new()
    {
        Spec = new ResNetSpec { Depth = 18, Width = 4, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar },
        Precision = Precision.Fp32,
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
    private static ByteImageSet Data()
    {
        const int Count = 21;
        byte[] pixels = new byte[Count * 12 * 12];
        new Random(3).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (12, 12, 1), [.. Enumerable.Range(0, Count).Select(i => i % 3)], ["a", "b", "c"]);
    }
}
