using CudnnResNet.Cuda;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Batches that the device is given before it has served the ones before.</summary>
[Collection("simulated GPU")]
public sealed class ServeAheadTests : IDisposable
{
    private const int Batches = 7;
    private const int Batch = 3;
    private const int Side = 12;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = 4, Stem = ResNetStem.Cifar };

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    /// <summary>The host overwrites what it gave as soon as it may; logits come in the order of their batches.</summary>
    [CudaTheory]
    [InlineData(1, "", Precision.Fp32)]
    [InlineData(2, "", Precision.Fp32)]
    [InlineData(2, "order eager", Precision.Fp16)]
    [InlineData(2, "order lazy", Precision.Bf16)]
    [InlineData(4, "order eager; seed 3", Precision.Fp32)]
    [InlineData(3, "order lazy; slow 100", Precision.Fp16)]
    public void BatchesAheadGiveTheBitsOfBatchesOneByOne(int runs, string script, Precision precision)
    {
        List<float> expected = [], ahead = [];
        using (CudaBackend backend = DeviceUnderTest.Create())
        using (InferenceSession session = Session(backend, precision))
        {
            float[] logits = new float[session.LogitElements];
            for (int i = 0; i < Batches; i++)
            {
                session.Run(Images(i, session), logits);
                expected.AddRange(logits);
            }
        }
        if (Simulator.Folder is not null)
            Simulator.Script($"reset; {script}");
        using (CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RunsUnderWay = runs }))
        using (InferenceSession session = Session(backend, precision))
        {
            Assert.Equal(runs == 1 ? 0 : runs, session.MostPending);
            float[] images = new float[session.ImageElements], logits = new float[session.LogitElements];
            for (int i = 0; i < Batches; i++)
            {
                Images(i, session).CopyTo(images, 0);
                while (session.PendingBatches > Math.Max(0, session.MostPending - 1))
                    Collect(session, logits);
                session.Submit(images);
                Array.Fill(images, float.NaN);
            }
            while (session.PendingBatches > 0)
                Collect(session, logits);
            // Alone, behind others: neither way knows of the other.
            session.Run(Images(2, session), logits);
            Assert.Equal(expected.Skip(2 * logits.Length).Take(logits.Length), logits);
            Assert.Null(backend.RecordingRefusal);
        }
        Assert.Equal(expected, ahead);
        Assert.Equal(Batches, expected.Chunk(expected.Count / Batches).Select(row => row[0]).Distinct().Count());
        if (Simulator.Folder is not null)
        {
            Assert.Empty(Simulator.Complaints());
            Assert.Equal("", Simulator.Live());
        }

        void Collect(InferenceSession session, float[] logits)
        {
            session.Collect(logits);
            ahead.AddRange(logits);
        }
    }

    /// <summary>Every prediction of an evaluation, in the data's order: of bytes, and of files among which are some that only the host reads, or nobody.</summary>
    [DeviceJpegTheory]
    [InlineData(2, "")]
    [InlineData(2, "order eager")]
    [InlineData(4, "order lazy")]
    [InlineData(3, "order eager; seed 4")]
    public void EvaluatesAsOneByOne(int runs, string script)
    {
        using EncodedImageFolder folder = new(8, 61, 43);
        folder.AddFixture("rgb.png", 0);
        folder.AddFixture("progressive.jpg", 1);
        folder.AddFixture("orientation6.jpg", 0);
        folder.Add("cut.jpg", 1, ImageFixture.Bytes("baseline444.jpg")[..^200]);
        folder.Add("none.jpg", 1, ImageFixture.Bytes("baseline444.jpg")[..40]);
        ImageFileSet files = folder.Open(new ImageOptions { Evaluation = new EvaluationTransform(14, Side), Damaged = new DamagedImages(1) });
        byte[] pixels = new byte[10 * Side * Side * 3];
        new Random(1).NextBytes(pixels);
        ByteImageSet bytes = new("noise", pixels, (Side, Side, 3), [.. Enumerable.Range(0, 10).Select(i => i % 4)], ["a", "b", "c", "d"]);
        foreach (IDataSet data in (IDataSet[])[files, bytes])
        {
            Evaluation expected = Evaluate(1, data);
            if (Simulator.Folder is not null)
                Simulator.Script($"reset; {script}");
            Evaluation ahead = Evaluate(runs, data);
            Assert.Equal(expected.Predictions.Select(p => $"{data.Name} {p}"), ahead.Predictions.Select(p => $"{data.Name} {p}"));
            Assert.Equal(expected.Loss, ahead.Loss);
            Assert.Equal(ahead.Predictions.Select(p => p.Index).Order(), ahead.Predictions.Select(p => p.Index));
            Assert.Equal(data == files ? 11 : 10, ahead.Predictions.Length);
        }
        if (Simulator.Folder is not null)
            Assert.Empty(Simulator.Complaints());
    }

    /// <summary>The copy of a batch waits for nothing, and a device that works ahead has it before it has served the batch before.</summary>
    [SimulatorFact]
    public void TheNextBatchIsCopiedWhileOneIsServed()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp32);
        float[] images = Images(0, session), logits = new float[session.LogitElements];
        for (int i = 0; i < 4; i++)
            Ahead(session, images, logits);
        while (session.PendingBatches > 0)
            session.Collect(logits);
        Simulator.Script("order eager");
        Simulator.Clear();
        session.Submit(images);
        session.Submit(images);
        Assert.Equal((0, 0, 0), (Calls("cuEventSynchronize"), Calls("cuStreamSynchronize"), (int)Simulator.Query("ran.cuGraphLaunch")));
        session.Collect(logits);
        Assert.Equal((1L, 2L), (Simulator.Query("ran.cuGraphLaunch"), Simulator.Query("ran.cuMemcpyHtoDAsync_v2")));
        session.Collect(logits);
        Assert.Equal((2L, 2L), (Simulator.Query("ran.cuGraphLaunch"), Simulator.Query("ran.cuMemcpyHtoDAsync_v2")));
        Assert.Throws<InvalidOperationException>(() => session.Collect(logits));
    }

    [SimulatorFact]
    public void ASteadyBatchBlocksOnAnEarlierOneAlone()
    {
        const int Measured = 6;
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp32);
        float[] images = Images(0, session), logits = new float[session.LogitElements];
        for (int i = 0; i < 6; i++)
            Ahead(session, images, logits);
        Simulator.Clear();
        for (int i = 0; i < Measured; i++)
            Ahead(session, images, logits);
        Assert.Equal(2, session.PendingBatches);
        Assert.Throws<InvalidOperationException>(() => session.Submit(images));
        Assert.Equal((0, Measured), (Calls("cuStreamSynchronize"), Calls("cuEventSynchronize")));
        Assert.Equal((Measured, 0), (Calls("cuGraphLaunch"), Calls("cuLaunchKernel")));
        Assert.Equal((Measured, Measured), (Calls("cuMemcpyHtoDAsync_v2"), Calls("cuMemcpyDtoHAsync_v2")));
        foreach (string allocates in (string[])["cuMemAlloc_v2", "cuMemAllocAsync", "cuMemHostAlloc", "cuEventCreate", "cuMemFree_v2", "cuMemFreeAsync"])
            Assert.Equal(0, Calls(allocates));
        Assert.Empty(Simulator.Complaints());
    }

    [CudaFact]
    public void BatchesAheadAllocateNothing()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp16);
        float[] images = Images(0, session), logits = new float[session.LogitElements];
        Assert.Equal(0, SteadyState.AllocatedBytes(() => Ahead(session, images, logits)));
    }

    /// <summary>One batch at a time takes neither a second stream nor pinned memory of its own, waits for itself alone, and needs no second one to come back.</summary>
    [SimulatorFact]
    public void ASingleBatchIsServedAsEver()
    {
        Simulator.Clear();
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp32);
        float[] images = Images(1, session), logits = new float[session.LogitElements], submitted = new float[session.LogitElements];
        for (int i = 0; i < 4; i++)
            session.Run(images, logits);
        Assert.Equal((1L, 1), (Simulator.Query("live.stream"), Calls("cuMemHostAlloc")));
        Simulator.Clear();
        session.Run(images, logits);
        // In, one graph, out.
        Assert.Equal((1, 1, 1), (Calls("cuMemcpyHtoDAsync_v2"), Calls("cuGraphLaunch"), Calls("cuMemcpyDtoHAsync_v2")));
        Assert.Equal((1, 0), (Calls("cuStreamSynchronize"), Calls("cuStreamWaitEvent")));
        session.Submit(images);
        session.Collect(submitted);
        Assert.Equal(logits, submitted);
    }

    /// <summary>Sessions of several sizes have one place for images: who is given a batch waits for no other's, and is told so.</summary>
    [CudaFact]
    public void SessionsThatShareMemoryTakeTurns()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset; order eager");
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSessions sessions = InferenceSessions.Create(Spec, [new(1, Side, Side), new(Batch, Side, Side)], Precision.Fp32, backend, GoldenNetwork.Untuned);
        sessions.LoadWeights(WeightInitialization.Create(sessions.Sessions[0].ExpectedWeights, seed: 3));
        (InferenceSession one, InferenceSession three) = (sessions.Sessions[0], sessions.Sessions[1]);
        float[] expected = new float[three.LogitElements], logits = new float[three.LogitElements], single = new float[one.LogitElements];
        three.Run(Images(5, three), expected);
        three.Submit(Images(5, three));
        Assert.Throws<InvalidOperationException>(() => one.Submit(Images(1, one)));
        three.Collect(logits);
        Assert.Equal(expected, logits);
        // Images that were written for a run by itself do not come behind those of a batch.
        one.WriteImages(Images(1, one));
        three.Submit(Images(5, three));
        three.Collect(logits);
        Assert.Equal(expected, logits);
        one.Submit(Images(1, one));
        one.Collect(single);
        Assert.NotEqual(expected[..single.Length], single);
        if (Simulator.Folder is not null)
            Assert.Empty(Simulator.Complaints());
    }

    /// <summary>What cannot be written leaves the session as it was.</summary>
    [CudaFact]
    public void ABatchThatCannotBeMadeGivesItsSlotBack()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp32);
        float[] expected = new float[session.LogitElements], logits = new float[session.LogitElements];
        session.Run(Images(4, session), expected);
        session.Submit(Images(4, session));
        for (int i = 0; i < 3; i++)
            Assert.Throws<ArgumentException>(() => session.Submit(new float[session.ImageElements - 1]));
        Assert.Equal(1, session.PendingBatches);
        session.Submit(Images(4, session));
        for (int i = 0; i < 2; i++)
        {
            session.Collect(logits);
            Assert.Equal(expected, logits);
        }
    }

    /// <summary>What the device does not take leaves it so too.</summary>
    [SimulatorFact]
    public void ABatchThatCannotRunGivesItsSlotBack()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend, Precision.Fp32);
        float[] images = Images(4, session), expected = new float[session.LogitElements], logits = new float[session.LogitElements];
        for (int i = 0; i < 6; i++)
            Ahead(session, images, expected);
        session.Collect(expected);
        Simulator.Script("fail cuGraphLaunch 1 2");
        Assert.ThrowsAny<ResNetException>(() => session.Submit(Images(5, session)));
        Assert.Equal(1, session.PendingBatches);
        session.Submit(images);
        for (int i = 0; i < 2; i++)
        {
            session.Collect(logits);
            Assert.Equal(expected, logits);
        }
    }

    private static Evaluation Evaluate(int runs, IDataSet data)
    {
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RunsUnderWay = runs });
        using InferenceSession session = Session(backend, Precision.Fp32);
        return Evaluator.Evaluate(session, data, Normalization.ImageNet);
    }

    private static void Ahead(InferenceSession session, float[] images, float[] logits)
    {
        if (session.PendingBatches == session.MostPending)
            session.Collect(logits);
        session.Submit(images);
    }

    private static InferenceSession Session(CudaBackend backend, Precision precision)
    {
        InferenceSession session = InferenceSession.Create(Spec, Batch, Side, Side, precision, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 3));
        return session;
    }

    private static float[] Images(int seed, InferenceSession session)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, session.ImageElements).Select(_ => 2 * random.NextSingle() - 1)];
    }

    private static int Calls(string function) => (int)Simulator.Query("calls." + function);
}
