using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>JPEG files that the device decodes and scales for the next step while one is under way.</summary>
[Collection("simulated GPU")]
public sealed class JpegAheadTests : IDisposable
{
    private const int Side = 24;
    private const int Batch = 4;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = 2, Stem = ResNetStem.Cifar };
    private static readonly ImageOptions Options = new() { Evaluation = new EvaluationTransform(28, Side), Damaged = new DamagedImages(1) };

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    /// <summary>
    /// Files beside pixels of such as only the host reads, in batches that take more and more room: a decoder that writes too
    /// early, a table that is replaced too soon or memory that goes too soon changes a loss.
    /// </summary>
    [DeviceJpegTheory]
    [InlineData(2, "")]
    [InlineData(4, "")]
    [InlineData(2, "order eager")]
    [InlineData(2, "order lazy")]
    [InlineData(3, "order lazy; slow 50")]
    [InlineData(3, "order eager; seed 5")]
    [InlineData(2, "pools 0")]
    [InlineData(2, "fail nvjpegDecodeBatched 2 3; fail nvjpegDecode 3 4")]
    public void StepsAheadGiveTheBitsOfStepsOneByOne(int runs, string script)
    {
        using EncodedImageFolder folder = GrowingFolder();
        // What fails decides who decodes, the order of streams nothing.
        string faults = script.StartsWith("fail", StringComparison.Ordinal) ? script : "";
        if (Simulator.Folder is not null)
            Simulator.Script("reset; " + faults);
        double[] expected = Losses(folder, runs: 1, scalesByNpp: false);
        Assert.Equal(expected.Length, expected.Distinct().Count());
        if (Simulator.Folder is not null)
        {
            Simulator.Script("reset; " + script);
            Simulator.Clear();
        }
        Assert.Equal(expected, Losses(folder, runs, scalesByNpp: false));
        if (Simulator.Folder is not null)
        {
            Assert.Empty(Simulator.Complaints());
            Assert.Equal("", Simulator.Live());
        }
    }

    [DeviceJpegTheory]
    [InlineData("order eager")]
    [InlineData("order lazy")]
    public void NppScalesAheadToo(string script)
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = GrowingFolder();
        double[] expected = Losses(folder, runs: 1, scalesByNpp: true);
        Simulator.Script("reset; " + script);
        Simulator.Clear();
        Assert.Equal(expected, Losses(folder, runs: 3, scalesByNpp: true));
        Assert.True(Simulator.Query("calls.nppiResize_8u_C3R_Ctx") > 0);
        Assert.Empty(Simulator.Complaints());
    }

    /// <summary>Images that a slot receives are those that the plain way makes, byte for byte, whatever the streams' order.</summary>
    [DeviceJpegTheory]
    [InlineData(Precision.Fp32, "")]
    [InlineData(Precision.Bf16, "order eager")]
    [InlineData(Precision.Fp16, "order lazy")]
    public void ASlotReceivesWhatThePlainWayMakes(Precision precision, string script)
    {
        using EncodedImageFolder folder = GrowingFolder();
        ImageFileSet data = folder.Open(Options);
        if (Simulator.Folder is not null)
            Simulator.Script("reset; " + script);
        TensorShape shape = TensorShape.Nhwc(Batch, Side, Side, 3);
        long bytes = shape.Elements * precision.ActivationType().ByteSize();
        Region plain = new(0, bytes), slot = new(Region.Align(bytes), bytes), result = new(2 * Region.Align(bytes), 4);
        using CudaBackend backend = DeviceUnderTest.Create();
        using Arena arena = backend.Allocate(result.OffsetBytes + result.Bytes);
        using RunQueue queue = backend.CreateQueue(arena, 1, [slot], [result]);
        (float[] scale, float[] shift) = ByteNormalizer.Factors(Normalization.ImageNet, 3);
        using ByteInput plainInput = backend.CreateByteInput(arena, plain, shape, precision.ActivationType(), scale, shift, queue: null)!;
        using ByteInput slotInput = backend.CreateByteInput(arena, slot, shape, precision.ActivationType(), scale, shift, queue)!;
        Assert.True(plainInput.TryOpenFiles() && slotInput.TryOpenFiles());
        EvaluationBatches batches = new(data, Batch, Normalization.ImageNet, accepted: BatchForm.Files);
        byte[] expected = new byte[bytes], actual = new byte[bytes];
        for (int index = 0; index < batches.BatchCount; index++)
        {
            Batch batch = batches.Read(index);
            Assert.Equal(BatchForm.Files, batch.Form);
            plainInput.Write(batch.Files, 0, batch.DecodeOnHost);
            queue.Open(0);
            slotInput.Write(batch.Files, 0, batch.DecodeOnHost);
            queue.Start();
            queue.Finish([result]);
            _ = queue.Wait(0);
            arena.Read(plain, expected);
            arena.Read(slot, actual);
            Assert.Equal(expected, actual);
            Assert.NotEqual(new byte[bytes], actual);
        }
    }

    /// <summary>
    /// While a step has not ended the next batch's files are given to the decoder, which waits for nothing, and a device that
    /// works ahead has decoded them before that step ends.
    /// </summary>
    [DeviceJpegFact]
    public void TheNextBatchIsDecodedWhileAStepIsUnderWay()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(Batch, 61, 43);
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Session(backend);
        Batch batch = FirstBatch(folder, session);
        for (int i = 0; i < 4; i++)
            Ahead(session, batch);
        while (session.PendingSteps > 0)
            _ = session.Collect();
        Simulator.Script("order eager");
        Simulator.Clear();
        session.Submit(batch, 0.01);
        session.Submit(batch, 0.01);
        Assert.Equal((2, 0), (Calls("nvjpegDecodeBatched"), Simulator.Query("ran.cuGraphLaunch")));
        Assert.Equal((0, 0), (Calls("cuEventSynchronize"), Calls("cuStreamSynchronize")));
        _ = session.Collect();
        // The first step has run, the second not yet, but all of its images are there.
        Assert.Equal((1, 2), (Simulator.Query("ran.cuGraphLaunch"), Simulator.Query("ran.nvjpegDecodeBatched")));
        _ = session.Collect();
        Assert.Equal(2, Simulator.Query("ran.cuGraphLaunch"));
        Assert.Empty(Simulator.Complaints());
    }

    /// <summary>What a steady step on files calls: one decode, one table of crops beside labels and rate, and one wait, for an earlier step.</summary>
    [DeviceJpegTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ASteadyStepBlocksOnAnEarlierStepAlone(bool scalesByNpp)
    {
        const int Measured = 6;
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(Batch - 1, 61, 43);
        // The host makes its pixels, which cross the bus: one copy more.
        folder.AddFixture("rgb.png", 0);
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, ScalesByNpp = scalesByNpp });
        using TrainingSession session = Session(backend);
        Batch batch = FirstBatch(folder, session, mayAlias: true);
        for (int i = 0; i < 6; i++)
            Ahead(session, batch);
        Simulator.Clear();
        for (int i = 0; i < Measured; i++)
            Ahead(session, batch);
        Assert.Equal((0, Measured), (Calls("cuStreamSynchronize"), Calls("cuEventSynchronize")));
        Assert.Equal((Measured, Measured), (Calls("cuGraphLaunch"), Calls("nvjpegDecodeBatched")));
        Assert.Equal(scalesByNpp ? Measured * Batch : 0, Calls("nppiResize_8u_C3R_Ctx"));
        Assert.Equal(0, Calls("nvjpegDecodeBatchedInitialize"));
        // Pixels, table, labels, rate; loss and logits.
        Assert.Equal((4 * Measured, 2 * Measured), (Calls("cuMemcpyHtoDAsync_v2"), Calls("cuMemcpyDtoHAsync_v2")));
        Assert.Equal(Measured, Calls("cuStreamWaitEvent"));
        foreach (string allocates in (string[])["cuMemAlloc_v2", "cuMemAllocAsync", "cuMemHostAlloc", "cuEventCreate", "cuMemFree_v2", "cuMemFreeAsync"])
            Assert.Equal(0, Calls(allocates));
        Assert.Empty(Simulator.Complaints());
    }

    [DeviceJpegFact]
    public void StepsAheadOnFilesAllocateNothing()
    {
        using EncodedImageFolder folder = new(Batch - 1, 61, 43);
        folder.AddFixture("rgb.png", 0);
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Session(backend);
        Batch batch = FirstBatch(folder, session);
        Assert.Equal(0, SteadyState.AllocatedBytes(() => Ahead(session, batch)));
        Assert.Equal(2, session.PendingSteps);
    }

    /// <summary>nvJPEG reads files of a batch at which the host then fails: the next batch waits for it all the same.</summary>
    [DeviceJpegFact]
    public void AHostThatFailsLeavesNoFileUnwatched()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(Batch, 61, 43);
        ImageFileSet data = folder.Open(Options);
        TensorShape shape = TensorShape.Nhwc(Batch, Side, Side, 3);
        Region images = new(0, shape.Elements * sizeof(float));
        using CudaBackend backend = DeviceUnderTest.Create();
        using Arena arena = backend.Allocate(images.Bytes);
        (float[] scale, float[] shift) = ByteNormalizer.Factors(Normalization.ImageNet, 3);
        using ByteInput input = backend.CreateByteInput(arena, images, shape, DataType.Float32, scale, shift, queue: null)!;
        Assert.True(input.TryOpenFiles());
        Batch batch = new EvaluationBatches(data, Batch, Normalization.ImageNet, accepted: BatchForm.Files).Read(0);
        Simulator.Script("fail nvjpegDecodeBatched 1 3; fail nvjpegDecode 2 3");
        Simulator.Clear();
        Assert.Throws<InvalidDataException>(() => input.Write(batch.Files, 0, _ => throw new InvalidDataException()));
        Assert.Equal((Batch, 1), (Calls("nvjpegDecode"), Calls("cuEventRecord")));
        input.Write(batch.Files, 0, batch.DecodeOnHost);
        backend.Synchronize();
        Assert.Empty(Simulator.Complaints());
    }

    /// <summary>The losses of an epoch and a half, as far ahead as may be.</summary>
    private static double[] Losses(EncodedImageFolder folder, int runs, bool scalesByNpp)
    {
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, RunsUnderWay = runs, ScalesByNpp = scalesByNpp });
        ImageFileSet data = folder.Open(Options);
        using TrainingSession session = Session(backend);
        LoaderOptions options = new(Batch, Shuffle: false, Seed: 3, Augmentation.Standard(3), Normalization.ImageNet)
        {
            Accepted = session.Accepts(data, Normalization.ImageNet),
        };
        Assert.Equal(BatchForm.Files, options.Accepted);
        using BatchLoader loader = new(data, options);
        List<double> losses = [];
        for (int i = 0; i < 6; i++)
        {
            if (session.PendingSteps > 0 && session.PendingSteps == session.MostPending)
                losses.Add(session.Collect());
            session.Submit(loader.Next(), 0.01);
            while (session.PendingSteps > session.MostPending)
                losses.Add(session.Collect());
        }
        while (session.PendingSteps > 0)
            losses.Add(session.Collect());
        return [.. losses];
    }

    private static void Ahead(TrainingSession session, Batch batch)
    {
        if (session.PendingSteps == session.MostPending)
            _ = session.Collect();
        session.Submit(batch, 0.01);
    }

    private static Batch FirstBatch(EncodedImageFolder folder, TrainingSession session, bool mayAlias = false)
    {
        ImageFileSet data = folder.Open(Options);
        BatchForm form = session.Accepts(data, Normalization.ImageNet);
        Assert.Equal(BatchForm.Files, form);
        Batch batch = new EvaluationBatches(data, Batch, Normalization.ImageNet, accepted: form).Read(0);
        if (mayAlias)
            foreach (EncodedImage image in batch.Files)
                if (image.IsFile)
                    image.SetFile(image.Bytes.ToArray(), image.Width, image.Height,
                        ImagePlacement.Filling(1, 2, image.Width - 3, image.Height - 5, Side, Side, isMirrored: true) with { MayAlias = true });
        return batch;
    }

    /// <summary>Later batches need more room than earlier ones; some files only the host reads.</summary>
    private static EncodedImageFolder GrowingFolder()
    {
        EncodedImageFolder folder = new(0, 0, 0);
        for (int i = 0; i < 13; i++)
            folder.Add($"{i:000}.jpg", 0, EncodedImageFolder.Encode(30 + 3 * i * i, 31 + 11 * i, seed: i));
        folder.AddFixture("rgb.png", 0);
        folder.AddFixture("progressive.jpg", 1);
        folder.AddFixture("orientation6.jpg", 1);
        return folder;
    }

    private static TrainingSession Session(CudaBackend backend)
    {
        TrainingSession session = TrainingSession.Create(Spec, Batch, Side, Side, Precision.Fp32, new(new SgdOptions(0.9, 1e-4)), backend,
            new CompilerOptions { Tune = false, PlanCacheFolder = null });
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 1, zeroInitLastBatchNorm: false));
        return session;
    }

    private static int Calls(string function) => (int)Simulator.Query("calls." + function);
}

/// <summary>A theory about files that a device decodes.</summary>
public sealed class DeviceJpegTheoryAttribute : TheoryAttribute
{
    public DeviceJpegTheoryAttribute() => Skip = DeviceJpegFactAttribute.Refusal;
}
