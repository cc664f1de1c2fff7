using CudnnResNet.Data;
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

    /// <summary>What was saved before is where the folder went, if it went anywhere: the message does not promise more.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFolderThatGoesAfterASaveTakesItsCheckpointAlong(bool isMoved)
    {
        using TemporaryFolder folder = new();
        (string output, string moved) = (folder.File("out"), folder.File("moved"));
        Directory.CreateDirectory(output);
        TrainingOptions options = SmallTraining.Options(output) with { SaveEvery = 3 };
        ResNetException error = Assert.Throws<ResNetException>(() => Run(options, step =>
        {
            if (step.Step != 4)
                return;
            if (isMoved)
                Directory.Move(output, moved);
            else
                Directory.Delete(output, recursive: true);
        }, SmallTraining.Data(seed: 4)));
        // Five steps are an epoch, whose end saves.
        Assert.Matches("safetensors: cannot be written: the folder .* does not exist; make it first; training stopped after step 5; ", error.Message);
        Assert.EndsWith($"; the last good checkpoint was {output}/last.safetensors of step 3, which is not there any more: "
            + "--resume continues it from wherever it was moved to.", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(output));
        if (!isMoved)
            return;
        using ReferenceBackend backend = new(2);
        RunTrace unbroken = SmallTraining.Run(options with { OutputFolder = null }, backend, GoldenNetwork.Untuned);
        RunTrace resumed = SmallTraining.Run(options with { OutputFolder = moved }, backend, GoldenNetwork.Untuned,
            new Resumption(Checkpoint.Load(Path.Combine(moved, "last.safetensors"))));
        Assert.Equal(unbroken.Steps.Skip(3), resumed.Steps);
        SmallTraining.AssertSameState(unbroken, resumed);
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

    private static void Run(TrainingOptions options, Action<StepRecord>? onStep = null, IDataSet? test = null)
    {
        using ReferenceBackend backend = new(2);
        using Trainer trainer = Trainer.Create(options, SmallTraining.Data(), test, backend, GoldenNetwork.Untuned);
        _ = trainer.Run(new TrainingObserver { OnStep = onStep }, CancellationToken.None);
    }
}
