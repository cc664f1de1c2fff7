using CudnnResNet.Compilation;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cuda;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Training;

/// <summary>A resumed run is the unbroken one in every bit, or it says what differs and stops.</summary>
public class ContinuationTests
{
    public static TheoryData<string> Recipes => [.. Named.Keys];

    private static Dictionary<string, Func<TrainingOptions, TrainingOptions>> Named { get; } = new()
    {
        ["plain"] = options => options,
        ["bf16"] = options => options with { Precision = Precision.Bf16 },
        ["no shuffle"] = options => options with { Shuffle = false },
        ["accumulation"] = options => options with { Accumulate = 2 },
        ["moving average, clipping, Nesterov"] = options => options with
        {
            Optimizer = options.Optimizer with { AverageDecay = 0.9, ClipNorm = 0.5, Nesterov = true },
        },
        ["LARS, warm-up"] = options => options with
        {
            Optimizer = options.Optimizer with { TrustCoefficient = 0.01 },
            WarmupSteps = 3,
        },
        ["patience, evaluation every second epoch"] = options => options with { Patience = 1, EvaluateEvery = 2, Epochs = 4 },
    };

    /// <summary>Killed after a checkpoint within the first epoch, at its end, and within the second.</summary>
    [Theory]
    [MemberData(nameof(Recipes))]
    public void ResumedAtAnyCheckpointItGoesOnAsIfNeverStopped(string recipe)
    {
        using TemporaryFolder folder = new();
        using OneDnnBackend backend = new(2);
        TrainingOptions options = Named[recipe](SmallTraining.Options(folder.Path));
        RunTrace unbroken = SmallTraining.Run(options with { OutputFolder = null }, backend, GoldenNetwork.Untuned);
        long last = unbroken.Steps[^1].Step;
        long endOfFirst = unbroken.Steps.Last(step => step.Epoch == 1).Step;
        foreach (long stop in (ReadOnlySpan<long>)[1, endOfFirst, endOfFirst + 1])
        {
            if (stop >= last)
                continue;
            RunTrace first = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: stop);
            Checkpoint checkpoint = Checkpoint.Load(folder.File("last.safetensors"));
            Assert.Equal(stop, checkpoint.Progress.Step);
            RunTrace second = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, new Resumption(checkpoint));
            Assert.Equal(unbroken.Steps, [.. first.Steps, .. second.Steps]);
            Assert.Equal(unbroken.Epochs, [.. first.Epochs, .. second.Epochs]);
            SmallTraining.AssertSameState(unbroken, second);
        }
    }

    /// <summary>Measuring again might choose otherwise: the plan comes from the checkpoint, whatever the times say by then.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(0.97)]
    public void ATunedRunGetsItsPlanBack(double? memoryShare)
    {
        using TemporaryFolder folder = new();
        using OneDnnBackend backend = new(2);
        TrainingOptions options = SmallTraining.Options(folder.Path);
        CompilerOptions tuned = new() { Tune = true, PlanCacheFolder = null };
        if (memoryShare is { } share)
            tuned = tuned with { MemoryLimitBytes = (long)(share * PeakBytes(options, backend)) };
        // Times may come out as the catalog's order by chance; a plan without fusions does not.
        RunTrace first = SmallTraining.Run(options, new ChainFilter(backend, (_, _) => false), tuned, stopAfter: 3);
        Checkpoint checkpoint = Checkpoint.Load(folder.File("last.safetensors"));
        // All kernels are there again; the wrapper is, since it counts as a part of the program.
        ChainFilter whole = new(backend, (_, _) => true);
        RunTrace resumed = SmallTraining.Run(options, whole, GoldenNetwork.Untuned, new Resumption(checkpoint));
        RunTrace again = SmallTraining.Run(options, whole, tuned, new Resumption(checkpoint));
        Assert.Equal(first.Plan, resumed.Plan);
        Assert.Equal(first.Plan, again.Plan);
        SmallTraining.AssertSame(resumed, again);
        // As if it had gone on: the plan is the one that it was stopped with.
        RunTrace unbroken = SmallTraining.Run(options with { OutputFolder = null }, new ChainFilter(backend, (_, _) => false),
            tuned with { Recorded = new Resumption(checkpoint).Plans });
        Assert.Equal(first.Plan, unbroken.Plan);
        Assert.Equal(unbroken.Steps, [.. first.Steps, .. resumed.Steps]);
        Assert.Equal(unbroken.Epochs, [.. first.Epochs, .. resumed.Epochs]);
        SmallTraining.AssertSameState(unbroken, resumed);
        Assert.NotEqual(first.Plan, SmallTraining.Run(options with { OutputFolder = null }, backend, GoldenNetwork.Untuned).Plan);
    }

    [Theory]
    [InlineData("batch", "batch was 4, is 3")]
    [InlineData("rate", "learning rate was 0.05, is 0.1")]
    [InlineData("momentum", "optimizer momentum was 0.9, is 0.8")]
    [InlineData("crops", "augmentation crop padding was 2, is 0")]
    [InlineData("seed", "seed was 5, is 6")]
    [InlineData("length", "the length, on which the learning rates depend, was 10 steps, is 15")]
    [InlineData("threads", "threads was 2, is 1")]
    [InlineData("data", "data was 21 images of 12 x 12 x 1, checksum")]
    [InlineData("test data", "test data was 21 images of 12 x 12 x 1, checksum")]
    public void WhatDiffersIsSaidWithBothValues(string changed, string message)
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = SmallTraining.Options(folder.Path);
        using (ReferenceBackend backend = new(2))
            _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 2);
        Resumption resumption = new(Checkpoint.Load(folder.File("last.safetensors")));
        TrainingOptions other = changed switch
        {
            "batch" => options with { Batch = 3 },
            "rate" => options with { LearningRate = 0.1 },
            "momentum" => options with { Optimizer = options.Optimizer with { Momentum = 0.8 } },
            "crops" => options with { Augmentation = options.Augmentation with { CropPadding = 0 } },
            "seed" => options with { Seed = 6 },
            "length" => options with { Epochs = 3 },
            _ => options,
        };
        RunTrace Continue(bool anyway)
        {
            using ReferenceBackend backend = new(changed == "threads" ? 1 : 2);
            return SmallTraining.Run(other, backend, GoldenNetwork.Untuned, resumption with { Anyway = anyway },
                train: changed == "data" ? SmallTraining.Data(seed: 9) : null,
                test: changed == "test data" ? SmallTraining.Data(seed: 9) : null);
        }

        ResNetException error = Assert.Throws<ResNetException>(() => Continue(anyway: false));
        Assert.Contains($"cannot be continued bit for bit: {message}", error.Message, StringComparison.Ordinal);
        Assert.Contains("--resume-anyway", error.Message, StringComparison.Ordinal);
        // One thing was changed, and one thing is named.
        Assert.DoesNotContain("; ", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, Continue(anyway: true).Steps[0].Step);
    }

    /// <summary>A build of other sources has modules with other ids, though its version is the same.</summary>
    [Theory]
    [InlineData("version")]
    [InlineData("runtime")]
    public void AnotherBuildIsSaid(string name)
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = SmallTraining.Options(folder.Path);
        using ReferenceBackend backend = new(2);
        _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 2);
        Checkpoint checkpoint = Checkpoint.Load(folder.File("last.safetensors"));
        TrajectoryFact fact = Assert.Single(checkpoint.Trajectory!.Facts, fact => fact.Name == name);
        Checkpoint other = checkpoint with
        {
            Trajectory = checkpoint.Trajectory with { Facts = checkpoint.Trajectory.Facts.Replace(fact, fact with { Value = "another" }) },
        };
        ResNetException error = Assert.Throws<ResNetException>(() =>
            SmallTraining.Run(options, backend, GoldenNetwork.Untuned, new Resumption(other)));
        Assert.Contains($"bit for bit: {name} was another, is {fact.Value}. ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheVersionIsThatOfTheModulesThatCompute()
    {
        using ReferenceBackend reference = new(1);
        using OneDnnBackend oneDnn = new(1);
        string core = BuildIdentity.Of();
        Assert.Matches("^[0-9a-f]{12}$", core);
        Assert.Equal(core, BuildIdentity.Of(typeof(Trainer).Module, typeof(ReferenceBackend).Module));
        Assert.NotEqual(core, BuildIdentity.Of(typeof(OneDnnBackend).Module));
        Assert.Equal(BuildIdentity.Of(typeof(OneDnnBackend).Module, typeof(ContinuationTests).Module),
            BuildIdentity.Of(typeof(ContinuationTests).Module, typeof(OneDnnBackend).Module));
        Assert.EndsWith($" build {core}", VersionOn(reference), StringComparison.Ordinal);
        Assert.EndsWith($" build {BuildIdentity.Of(typeof(OneDnnBackend).Module)}", VersionOn(oneDnn), StringComparison.Ordinal);

        static string VersionOn(IBackend backend) => Trajectory.FactsOf(SmallTraining.Options(null), SmallTraining.Data(), null, backend)
            .Single(fact => fact.Name == "version").Value;
    }

    [Fact]
    public void AnotherBackendIsSaid()
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = SmallTraining.Options(folder.Path);
        using (ReferenceBackend backend = new(2))
            _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 2);
        using OneDnnBackend other = new(2);
        ResNetException error = Assert.Throws<ResNetException>(() => SmallTraining.Run(options, other,
            GoldenNetwork.Untuned, new Resumption(Checkpoint.Load(folder.File("last.safetensors")))));
        Assert.Matches("device was reference [^;]*, is onednn ", error.Message);
    }

    /// <summary>Neither the length of a constant schedule nor what is saved changes a step.</summary>
    [Fact]
    public void AConstantRateMayGoOnForLonger()
    {
        using TemporaryFolder folder = new();
        using ReferenceBackend backend = new(2);
        TrainingOptions options = SmallTraining.Options(folder.Path) with { Schedule = ScheduleKind.Constant };
        RunTrace whole = SmallTraining.Run(options with { OutputFolder = null, Steps = 9 }, backend, GoldenNetwork.Untuned);
        RunTrace first = SmallTraining.Run(options with { Steps = 7, SaveEvery = 2 }, backend, GoldenNetwork.Untuned);
        RunTrace second = SmallTraining.Run(options with { Steps = 9 }, backend, GoldenNetwork.Untuned,
            new Resumption(Checkpoint.Load(folder.File("last.safetensors"))));
        Assert.Equal(whole.Steps, [.. first.Steps, .. second.Steps]);
        // The epoch that the first run's end cut short is reported whole.
        Assert.Equal(whole.Epochs[^1], second.Epochs[^1]);
    }

    /// <summary>A run that its patience ended must not go on because it was killed after its last checkpoint.</summary>
    [Fact]
    public void AnEarlyStopIsResumedAsStopped()
    {
        using TemporaryFolder folder = new();
        using ReferenceBackend backend = new(2);
        TrainingOptions options = SmallTraining.Options(folder.Path) with { LearningRate = 0, Epochs = 6, Patience = 2 };
        RunTrace first = SmallTraining.Run(options, backend, GoldenNetwork.Untuned);
        Assert.True(first.Epochs.Count < 6);
        RunTrace second = SmallTraining.Run(options, backend, GoldenNetwork.Untuned,
            new Resumption(Checkpoint.Load(folder.File("last.safetensors"))));
        Assert.Empty(second.Steps);
    }

    private static long PeakBytes(TrainingOptions options, IBackend backend)
    {
        using Trainer trainer = Trainer.Create(options with { OutputFolder = null }, SmallTraining.Data(), test: null,
            backend, GoldenNetwork.Untuned);
        return trainer.Session.Compiled.Memory.PeakBytes;
    }
}
