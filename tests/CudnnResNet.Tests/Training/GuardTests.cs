using CudnnResNet.Reference;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

/// <summary>Whatever ends a run, what it saved before is there, and the message says where.</summary>
public class GuardTests
{
    /// <summary>A rate that explodes at a chosen step: the checkpoint before it stays as it was.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(1L)]
    public void ALossThatIsNotFiniteLeavesTheLastGoodCheckpoint(long? saveEvery)
    {
        using TemporaryFolder folder = new();
        string last = folder.File("last.safetensors");
        TrainingOptions options = SmallTraining.Options(folder.Path) with
        {
            Schedule = ScheduleKind.Linear,
            // Through epoch 1 at an ordinary rate, then far beyond float32.
            RatePoints = [new(0, 0.01), new(1, 0.01), new(1.01, 1e38)],
            SaveEvery = saveEvery,
            Epochs = 4,
        };
        ResNetException error = Assert.Throws<ResNetException>(() => Run(options));
        Assert.Matches(@"^(The loss became (NaN|∞|-∞) at step [0-9]+|.* became NaN or infinite); try a lower --lr.*"
            + @"; training stopped after step [0-9]+; the last good checkpoint is .*\.safetensors of step [0-9]+, --resume continues there\.$",
            error.Message);
        Checkpoint good = Checkpoint.Load(last);
        Assert.Contains($"{last} of step {good.Progress.Step},", error.Message, StringComparison.Ordinal);
        Assert.True(good.Progress.Step >= 5);
        Assert.All(good.Weights.Tensors.Values, tensor => Assert.All(tensor.ToFloats(), value => Assert.True(float.IsFinite(value))));
        Assert.Equal(["best.safetensors", "last.safetensors"], folder.Names());
    }

    [Fact]
    public void ARemovedFolderEndsTheRunWithWhatHappened()
    {
        using TemporaryFolder folder = new();
        string output = folder.File("out");
        Directory.CreateDirectory(output);
        ResNetException error = Assert.Throws<ResNetException>(() => Run(SmallTraining.Options(output) with { SaveEvery = 3 },
            step =>
            {
                if (step.Step == 2)
                    Directory.Delete(output);
            }));
        Assert.Matches("last.safetensors: cannot be written: the folder .* does not exist; make it first; "
            + "training stopped after step 3; nothing was saved before", error.Message);
    }

    /// <summary>A failure to tell of a step ends the run as well: a log without a step would be no log.</summary>
    [Fact]
    public void AFailureOfTheLogNamesTheLastCheckpoint()
    {
        using TemporaryFolder folder = new();
        ResNetException error = Assert.Throws<ResNetException>(() => Run(SmallTraining.Options(folder.Path) with { SaveEvery = 2 },
            step =>
            {
                if (step.Step == 4)
                    throw new ResNetException("the run log cannot be written");
            }));
        Assert.Contains($"last good checkpoint is {folder.File("last.safetensors")} of step 2", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, Checkpoint.Load(folder.File("last.safetensors")).Progress.Step);
    }

    private static void Run(TrainingOptions options, Action<StepRecord>? onStep = null)
    {
        using ReferenceBackend backend = new(2);
        using Trainer trainer = Trainer.Create(options, SmallTraining.Data(), test: null, backend, GoldenNetwork.Untuned);
        _ = trainer.Run(new TrainingObserver { OnStep = onStep }, CancellationToken.None);
    }
}
