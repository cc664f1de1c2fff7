using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Data;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A host that gives steps to the device before it has read the results of earlier ones.</summary>
[Collection("simulated GPU")]
public sealed class RunAheadTests : IDisposable
{
    private const int Steps = 11;
    private const int Batch = 3;
    private const int Size = 8;
    private const int Classes = 4;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = Classes, Stem = ResNetStem.Cifar };

    /// <summary>The first steps overflow and change no weight: what they find reaches the next step on the device alone.</summary>
    private static readonly StepOptions Scaled = new(new SgdOptions(0.9, 1e-4)
    {
        LossScaling = new LossScaling(Math.ScaleB(1, 40), Backoff: Math.ScaleB(1, -8)),
        AverageDecay = 0.9,
    });

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    /// <summary>
    /// Each step has images, labels and a rate of its own, and the host overwrites what it gave as soon as it may. A copy that
    /// reads too late, a kernel that runs too early or a slot that is filled too soon changes a loss.
    /// </summary>
    [CudaTheory]
    [InlineData(2, "", Precision.Fp16)]
    [InlineData(4, "", Precision.Fp16)]
    [InlineData(2, "seed 7", Precision.Bf16)]
    [InlineData(3, "seed 8", Precision.Fp32)]
    [InlineData(2, "order lazy", Precision.Fp16)]
    [InlineData(3, "order lazy; slow 100", Precision.Fp32)]
    [InlineData(2, "order eager", Precision.Fp16)]
    [InlineData(4, "order eager; seed 3", Precision.Fp32)]
    public void StepsAheadGiveTheBitsOfStepsOneByOne(int runs, string script, Precision precision)
    {
        StepOptions step = precision == Precision.Fp16 ? Scaled : new(new SgdOptions(0.9, 1e-4));
        Numbers expected = Run(runs: 1, precision, step, recordsGraphs: true);
        if (Simulator.Folder is not null)
            Simulator.Script($"reset; {script}");
        Numbers ahead = Run(runs, precision, step, recordsGraphs: true);
        Assert.Equal(expected.Losses, ahead.Losses);
        Assert.Equal(expected.Logits, ahead.Logits);
        Assert.Equal(expected.Weights, ahead.Weights);
        Assert.Equal(expected.Skipped, ahead.Skipped);
        Assert.Equal(Steps, expected.Losses.Distinct().Count());
        if (precision == Precision.Fp16)
            Assert.InRange(expected.Skipped!.Value, 2, 5);
    }

    /// <summary>Two plans share the slots; a pass may have to wait for one of its own step.</summary>
    [CudaTheory]
    [InlineData(2)]
    [InlineData(3)]
    public void AccumulatedStepsToo(int runs)
    {
        StepOptions step = Scaled with { Passes = 3 };
        Numbers expected = Run(runs: 1, Precision.Fp16, step, recordsGraphs: true);
        Numbers ahead = Run(runs, Precision.Fp16, step, recordsGraphs: true);
        Assert.Equal(expected.Losses, ahead.Losses);
        Assert.Equal(expected.Logits, ahead.Logits);
        Assert.Equal(expected.Weights, ahead.Weights);
    }

    /// <summary>Graphs of either input against kernels one by one.</summary>
    [CudaFact]
    public void EachInputHasAGraph()
    {
        Numbers launched = Run(runs: 2, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)), recordsGraphs: false);
        long before = Calls("cuGraphInstantiateWithFlags");
        Numbers replayed = Run(runs: 2, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)), recordsGraphs: true);
        Assert.Equal(launched.Losses, replayed.Losses);
        Assert.Equal(launched.Weights, replayed.Weights);
        if (Simulator.Folder is not null)
            Assert.Equal(2, Calls("cuGraphInstantiateWithFlags") - before);
    }

    /// <summary>
    /// What the driver is called for in a steady step: copies of three inputs, one graph, copies of two results, and one wait,
    /// which is for the step before the one that is under way. Nothing else blocks, and nothing is allocated.
    /// </summary>
    [SimulatorFact]
    public void ASteadyStepBlocksOnAnEarlierStepAlone()
    {
        const int Measured = 6;
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Create(backend, Precision.Fp16, Scaled);
        Assert.Equal(2, session.MostPending);
        (float[] images, int[] labels) = Data(0, session);
        for (int i = 0; i < 6; i++)
            Ahead();
        Simulator.Clear();
        for (int i = 0; i < Measured; i++)
        {
            Ahead();
            Assert.Equal(2, session.PendingSteps);
        }
        Assert.Equal((0, Measured), (Calls("cuStreamSynchronize"), Calls("cuEventSynchronize")));
        Assert.Equal((Measured, 0), (Calls("cuGraphLaunch"), Calls("cuLaunchKernel")));
        Assert.Equal((3 * Measured, 2 * Measured), (Calls("cuMemcpyHtoDAsync_v2"), Calls("cuMemcpyDtoHAsync_v2")));
        Assert.Equal(Measured, Calls("cuStreamWaitEvent"));
        foreach (string allocates in (string[])["cuMemAlloc_v2", "cuMemAllocAsync", "cuMemHostAlloc", "cuEventCreate", "cuMemFree_v2"])
            Assert.Equal(0, Calls(allocates));

        // To begin a step waits for nothing at all where a slot is free.
        _ = session.Collect();
        Simulator.Clear();
        session.Submit(images, labels, 0.01);
        Assert.Equal((0, 0), (Calls("cuStreamSynchronize"), Calls("cuEventSynchronize")));
        Assert.Empty(Simulator.Complaints());

        void Ahead()
        {
            if (session.PendingSteps == session.MostPending)
                _ = session.Collect();
            session.Submit(images, labels, 0.01);
        }
    }

    [CudaFact]
    public void StepsAheadAllocateNothing()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Create(backend, Precision.Fp16, Scaled);
        (float[] images, int[] labels) = Data(0, session);
        float[] logits = new float[session.LogitElements];
        Assert.Equal(0, SteadyState.AllocatedBytes(() =>
        {
            if (session.PendingSteps == session.MostPending)
            {
                _ = session.Collect();
                session.ReadLogits(logits);
            }
            session.Submit(images, labels, 0.01);
        }));
        Assert.Equal(2, session.PendingSteps);
    }

    [CudaFact]
    public void TheDeviceTellsItsIdleTime()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Create(backend, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)));
        (float[] images, int[] labels) = Data(0, session);
        _ = session.Step(images, labels, 0.01);
        DeviceTime before = session.DeviceTime!.Value;
        TimeSpan pause = TimeSpan.FromMilliseconds(60);
        Thread.Sleep(pause);
        _ = session.Step(images, labels, 0.01);
        DeviceTime time = session.DeviceTime.Value - before;
        Assert.Equal(1, time.Runs);
        Assert.True(time.BusySeconds > 0, $"{time}");
        Assert.True(time.IdleSeconds >= 0.9 * pause.TotalSeconds, $"{time}");
    }

    /// <summary>A device that hangs with steps under way: one line, and nothing stays behind.</summary>
    [SimulatorFact]
    public void AHangIsOneError()
    {
        Simulator.Clear();
        using (CudaBackend backend = DeviceUnderTest.Create())
        using (TrainingSession session = Create(backend, Precision.Fp32, new(new SgdOptions(0.9, 1e-4))))
        {
            (float[] images, int[] labels) = Data(0, session);
            session.Submit(images, labels, 0.01);
            session.Submit(images, labels, 0.01);
            Simulator.Script("hang 20");
            ResNetException error = Assert.ThrowsAny<ResNetException>(() => session.Collect());
            Assert.Matches(@"^CUDA driver: .*cuEventSynchronize\(.*\) returned CUDA_ERROR_LAUNCH_TIMEOUT: \S.*$", error.Message);
        }
        Assert.Equal("", Simulator.Live());
    }

    /// <summary>
    /// A step that cannot be written or run, in its first pass or a later one, with others under way: the losses from there on are
    /// those of a session that never saw its batch.
    /// </summary>
    [SimulatorTheory]
    [InlineData(1, 1, "fail cuMemcpyHtoDAsync_v2 1 2")]
    [InlineData(1, 2, "fail cuMemcpyHtoDAsync_v2 2 2")]
    [InlineData(1, 2, "fail cuGraphLaunch 1 2")]
    [InlineData(3, 1, "fail cuMemcpyHtoDAsync_v2 5 2")]
    [InlineData(3, 2, "fail cuMemcpyHtoDAsync_v2 8 2")]
    [InlineData(3, 3, "fail cuGraphLaunch 2 2; order lazy")]
    [InlineData(3, 4, "fail cuGraphLaunch 3 2; order eager")]
    public void AStepThatCannotBeginLeavesNothingBehind(int passes, int runs, string script)
    {
        double[] expected = Losses(fails: false);
        Assert.Equal(Steps, expected.Distinct().Count());
        Assert.Equal(expected, Losses(fails: true));
        Assert.Empty(Simulator.Complaints());

        double[] Losses(bool fails)
        {
            using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RunsUnderWay = runs });
            using TrainingSession session = Create(backend, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)) { Passes = passes });
            List<double> losses = [];
            for (int i = 0; i < Steps; i++)
            {
                if (session.PendingSteps > 0 && session.PendingSteps == session.MostPending)
                    losses.Add(session.Collect());
                // By then every slot's graphs are recorded.
                if (fails && i == 8)
                {
                    (float[] lost, int[] classes) = Data(Steps, session);
                    int pending = session.PendingSteps;
                    Simulator.Script(script);
                    Assert.ThrowsAny<ResNetException>(() => session.Submit(lost, classes, 0.5));
                    Assert.Equal(pending, session.PendingSteps);
                }
                (float[] images, int[] labels) = Data(i, session);
                session.Submit(images, labels, 0.01);
                while (session.PendingSteps > session.MostPending)
                    losses.Add(session.Collect());
            }
            while (session.PendingSteps > 0)
                losses.Add(session.Collect());
            return [.. losses];
        }
    }

    /// <summary>A run with evaluations, checkpoints and epochs that end between: what is logged of each step, and the weights.</summary>
    [CudaFact]
    public void ARunLogsTheSameNumbers()
    {
        (List<StepRecord> Log, Dictionary<string, double[]> Weights) expected = Train(runs: 1, 0.02), ahead = Train(runs: 3, 0.02);
        Assert.Equal(19, expected.Log.Count);
        Assert.Equal(expected.Log, ahead.Log);
        Assert.Equal(expected.Weights, ahead.Weights);
    }

    /// <summary>The guard sees a loss later, and says the same of it.</summary>
    [CudaFact]
    public void ALossThatIsNotFiniteEndsTheRunAtItsStep()
    {
        ResNetException expected = Assert.Throws<ResNetException>(() => Train(runs: 1, 1e30));
        ResNetException ahead = Assert.Throws<ResNetException>(() => Train(runs: 3, 1e30));
        Assert.Matches("^The loss became .* at step [2-5]; ", expected.Message);
        Assert.Equal(expected.Message, ahead.Message);
    }

    [SimulatorTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void RangesAreMarkedByChoice(bool marks)
    {
        const int PerStep = 3;
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, MarksRanges = marks });
        using TrainingSession session = Create(backend, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)));
        (float[] images, int[] labels) = Data(0, session);
        Simulator.Clear();
        for (int i = 0; i < 4; i++)
            _ = session.Step(images, labels, 0.01);
        int expected = marks ? 4 * PerStep : 0;
        Assert.Equal((expected, expected), (Calls("nvtxRangePushA"), Calls("nvtxRangePop")));
        Assert.Empty(Simulator.Complaints());
    }

    private sealed record Numbers(double[] Losses, float[] Logits, Dictionary<string, double[]> Weights, long? Skipped);

    /// <summary>As far ahead as may be, in one pair of arrays that hold something else between steps.</summary>
    private static Numbers Run(int runs, Precision precision, StepOptions step, bool recordsGraphs)
    {
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RecordsGraphs = recordsGraphs, RunsUnderWay = runs });
        using TrainingSession session = Create(backend, precision, step);
        Assert.Equal(runs == 1 ? 0 : runs, session.MostPending);
        float[] images = new float[session.ImageElements];
        int[] labels = new int[session.Batch];
        List<double> losses = [];
        List<float> logits = [];
        float[] read = new float[session.LogitElements];
        for (int i = 0; i < Steps; i++)
        {
            (float[] nextImages, int[] nextLabels) = Data(i, session);
            nextImages.CopyTo(images, 0);
            nextLabels.CopyTo(labels, 0);
            if (session.PendingSteps > 0 && session.PendingSteps == session.MostPending)
                Collect();
            session.Submit(images, labels, 0.01 * (1 + i));
            Array.Fill(images, float.NaN);
            Array.Fill(labels, 0);
            while (session.PendingSteps > session.MostPending)
                Collect();
        }
        while (session.PendingSteps > 0)
            Collect();
        Assert.Null(backend.RecordingRefusal);
        if (Simulator.Folder is not null)
            Assert.Empty(Simulator.Complaints());
        return new Numbers([.. losses], [.. logits],
            session.SaveWeights().Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToDoubles()), session.ReadSkippedSteps());

        void Collect()
        {
            losses.Add(session.Collect());
            session.ReadLogits(read);
            logits.AddRange(read);
        }
    }

    private static (List<StepRecord> Log, Dictionary<string, double[]> Weights) Train(int runs, double learningRate)
    {
        byte[] pixels = new byte[26 * Size * Size];
        new Random(3).NextBytes(pixels);
        ByteImageSet data = new("noise", pixels, (Size, Size, 1), [.. Enumerable.Range(0, 26).Select(i => i % 3)], ["a", "b", "c"]);
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RunsUnderWay = runs });
        using Trainer trainer = Trainer.Create(new TrainingOptions
        {
            Spec = Spec with { InputChannels = 1 },
            Precision = Precision.Fp32,
            Batch = 4,
            Epochs = 3,
            LearningRate = learningRate,
            Optimizer = new SgdOptions(0.9, 1e-4) { AverageDecay = 0.9 },
            Augmentation = Augmentation.None,
            EvaluationBatch = 5,
        }, data, data, backend, GoldenNetwork.Untuned);
        List<StepRecord> log = [];
        _ = trainer.Run(new TrainingObserver { OnStep = step => log.Add(step with { ImagesPerSecond = 0 }) }, CancellationToken.None);
        return (log, trainer.Session.SaveWeights().Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToDoubles()));
    }

    private static TrainingSession Create(IBackend backend, Precision precision, StepOptions step)
    {
        TrainingSession session = TrainingSession.Create(
            Spec, Batch, Size, Size, precision, step, backend, new CompilerOptions { Tune = false, PlanCacheFolder = null });
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 1, zeroInitLastBatchNorm: false));
        return session;
    }

    private static (float[] Images, int[] Labels) Data(int seed, TrainingSession session)
    {
        Random random = new(seed);
        return ([.. Enumerable.Range(0, session.ImageElements).Select(_ => 2 * random.NextSingle() - 1)],
            [.. Enumerable.Range(0, session.Batch).Select(_ => random.Next(Classes))]);
    }

    private static int Calls(string function) => Simulator.Folder is null ? 0 : (int)Simulator.Query("calls." + function);
}
