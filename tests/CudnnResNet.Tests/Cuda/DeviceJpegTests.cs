using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Kernels.Input;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>JPEG files that the device decodes and scales: what the host makes of them, and what neither reads.</summary>
[Collection("simulated GPU")]
public sealed class DeviceJpegTests : IDisposable
{
    private const int Side = 24;

    /// <summary>Two decoders may round a value of the inverse DCT and one of the chroma's interpolation differently.</summary>
    private const int Levels = 3;

    private static readonly ImageOptions Options = new() { Evaluation = new EvaluationTransform(28, Side), Damaged = new DamagedImages(1) };

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    [DeviceJpegFact]
    public void FilesAreDecodedAsByTheHost()
    {
        string[] names = ["baseline444.jpg", "baseline422.jpg", "baseline420.jpg", "grey.jpg"];
        using CudaDevice device = CudaDevice.Open(0);
        using PinnedStaging staging = new(device);
        using DeviceJpegDecoder decoder = DeviceJpegDecoder.TryOpen(device, names.Length, out _)!;
        // Twice: the second time without a new beginning.
        foreach (int round in (int[])[0, 1])
        {
            EncodedImage[] images = [.. names.Select(Fixture)];
            CudaArena[] pixels = [.. images.Select(image => new CudaArena(3L * image.Width * image.Height, device, staging))];
            for (int i = 0; i < images.Length; i++)
                decoder.Add(images[i], i, pixels[i].Address(new Region(0, pixels[i].Bytes)));
            Assert.Equal(0, decoder.Decode(device.Stream, new int[names.Length]));
            for (int i = 0; i < names.Length; i++)
            {
                byte[] actual = new byte[pixels[i].Bytes];
                pixels[i].Read(new Region(0, actual.Length), actual);
                RequireClose(ImageFixture.Expected(names[i]).Pixels, actual, names[i]);
                pixels[i].Dispose();
            }
        }
    }

    /// <summary>What is no readable JPEG is named; the rest of its batch is decoded, and so is the next batch.</summary>
    [DeviceJpegFact]
    public void FilesThatCannotBeReadAreNamed()
    {
        byte[] whole = ImageFixture.Bytes("baseline444.jpg"), broken = [.. whole.Take(200)];
        using CudaDevice device = CudaDevice.Open(0);
        using PinnedStaging staging = new(device);
        using DeviceJpegDecoder decoder = DeviceJpegDecoder.TryOpen(device, 3, out _)!;
        EncodedImage good = Fixture("baseline444.jpg"), bad = new();
        bad.SetFile(broken, good.Width, good.Height, default);
        using CudaArena pixels = new(3L * good.Width * good.Height, device, staging), others = new(pixels.Bytes, device, staging);
        Region all = new(0, pixels.Bytes);
        int[] failed = new int[3];
        decoder.Add(bad, 7, others.Address(all));
        decoder.Add(good, 8, pixels.Address(all));
        decoder.Add(bad, 9, others.Address(all));
        Assert.Equal(2, decoder.Decode(device.Stream, failed));
        Assert.Equal([7, 9], failed[..2]);
        byte[] actual = new byte[all.Bytes];
        pixels.Read(all, actual);
        RequireClose(ImageFixture.Expected("baseline444.jpg").Pixels, actual, "beside broken files");
        decoder.Add(good, 0, others.Address(all));
        Assert.Equal(0, decoder.Decode(device.Stream, failed));
    }

    /// <summary>
    /// The same numbers, crops and labels as where the host decodes: levels differ by a rounding, of few pixels. Among the files
    /// are some that only the host reads: a PNG, one with four components, a progressive one, one that lies on its side, and one that
    /// is cut short.
    /// </summary>
    [DeviceJpegFact]
    public void TrainsAndEvaluatesAsOnTheHost()
    {
        using EncodedImageFolder folder = MixedFolder();
        (double[] losses, Evaluation evaluation) host = Run(folder, decodesFiles: false), device = Run(folder, decodesFiles: true);
        RequireClose(host, device);
        Assert.Equal(host.evaluation.Predictions.Select(p => (p.Index, p.Label)), device.evaluation.Predictions.Select(p => (p.Index, p.Label)));
    }

    /// <summary>nvJPEG finds fault with files, or fails for good, in the first batch or later: the host decodes, and nothing else changes.</summary>
    [DeviceJpegFact]
    public void TheHostStepsIn()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = MixedFolder();
        (double[], Evaluation) expected = Run(folder, decodesFiles: true);
        foreach (string script in (string[])["fail nvjpegDecodeBatched 1 3; fail nvjpegDecode 2 4", "fail nvjpegDecodeBatched * 6",
            "fail nvjpegDecodeBatched 2 6", "fail nvjpegDecodeBatchedInitialize 1 2", "fail nvjpegCreateEx * 9", "fail nvjpegCreateEx 1 7",
            "fail nvjpegJpegStateCreate * 5"])
        {
            Simulator.Script("reset; " + script);
            RequireClose(expected, Run(folder, decodesFiles: true));
            Assert.Equal("", Simulator.Live());
        }
    }

    /// <summary>A network that leaves no room for decoded images is trained and served all the same.</summary>
    [DeviceJpegFact]
    public void WithoutRoomTheHostDecodes()
    {
        const long Room = 16 << 10;
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(6, 200, 150);
        ImageFileSet data = folder.Open(Options);
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend);
        double[] expected = Losses(), actual;
        long whole = DeviceUnderTest.Probe.Devices[0].MemoryBytes;
        using (InferenceSession other = Session(backend))
        {
            // What the session itself takes for files it takes before the device is full.
            _ = other.Accepts(data, Normalization.ImageNet);
            Simulator.Script($"memory {whole - backend.FreeBytes + Room}");
            actual = [.. Evaluator.Evaluate(other, data, Normalization.ImageNet).Predictions.Select(prediction => prediction.Loss)];
        }
        RequireClose(expected, actual, 1e-2);
        Assert.Contains(backend.EngineRefusals, refusal => refusal.StartsWith("JPEG files are decoded by the host from now on: The device cannot provide", StringComparison.Ordinal));

        double[] Losses() => [.. Evaluator.Evaluate(session, data, Normalization.ImageNet).Predictions.Select(prediction => prediction.Loss)];
    }

    [DeviceJpegFact]
    public void OnlyFilesCrossTheBus()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(6, 64, 48);
        ImageFileSet data = folder.Open(Options);
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = Session(backend);
        _ = Evaluator.Evaluate(session, data, Normalization.ImageNet);
        Simulator.Clear();
        _ = Evaluator.Evaluate(session, data, Normalization.ImageNet);
        // The table of crops; the simulated nvJPEG copies no bitstream.
        Assert.InRange(Simulator.Query("bytes.to_device"), 1, 2 * 4 * 64);
        Assert.Empty(Simulator.Complaints());
    }

    /// <summary>Crops that need no scaling are the same by the host, by the own kernel and by NPP, mirrors included.</summary>
    [DeviceJpegFact]
    public void NppScalesTrainingImagesWhereItIsChosen()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(8, Side, Side);
        ImageFileSet data = folder.Open(new ImageOptions
        {
            Evaluation = new EvaluationTransform(0, Side),
            Training = new TrainingTransform(1, 1, 1),
        });
        double[] own = Train(data, new CudaOptions { IsDeterministic = true, ScalesByNpp = false });
        RequireClose(Train(data, new CudaOptions { IsDeterministic = true, DecodesFiles = false }), own, 1e-5);
        Simulator.Script("reset; fail nvjpegDecodeBatched 1 6");
        RequireClose(own, Train(data, new CudaOptions { IsDeterministic = true, ScalesByNpp = true }), 1e-5);
        Simulator.Script("reset");
        Simulator.Clear();
        Assert.Equal(own, Train(data, new CudaOptions { IsDeterministic = true, ScalesByNpp = true }));
        Assert.Equal(3 * 4, Simulator.Query("calls.nppiResize_8u_C3R_Ctx"));
        Simulator.Script("reset; fail nppiResize_8u_C3R_Ctx 6 -1000");
        Assert.Equal(own, Train(data, new CudaOptions { IsDeterministic = true, ScalesByNpp = true }));
        Assert.Equal("", Simulator.Live());
    }

    /// <summary>What was measured once is kept, and taken again.</summary>
    [DeviceJpegFact]
    public void TheChoiceOfAResizeIsKept()
    {
        if (Simulator.Folder is null)
            return;
        using EncodedImageFolder folder = new(8, 50, 40);
        using Weights.TemporaryFolder engines = new();
        ImageFileSet data = folder.Open(Options);
        CudaOptions options = new() { EngineCacheFolder = engines.Path };
        Simulator.Clear();
        double[] first = Train(data, options);
        long measured = Simulator.Query("calls.nppiResize_8u_C3R_Ctx");
        Assert.True(measured >= 3 * 4, $"{measured} calls of NPP");
        Simulator.Clear();
        Assert.Equal(first, Train(data, options));
        Assert.Contains(Simulator.Query("calls.nppiResize_8u_C3R_Ctx"), new long[] { 0, 3 * 4 });
        Simulator.Clear();
        _ = Train(data, options with { IsDeterministic = true });
        Assert.Equal(0, Simulator.Query("calls.nppiResize_8u_C3R_Ctx"));
    }

    private static EncodedImageFolder MixedFolder()
    {
        EncodedImageFolder folder = new(6, 61, 43);
        folder.AddFixture("rgb.png", 0);
        folder.AddFixture("cmyk.jpg", 1);
        folder.AddFixture("orientation6.jpg", 0);
        folder.AddFixture("progressive.jpg", 1);
        folder.Add("cut.jpg", 1, ImageFixture.Bytes("baseline444.jpg")[..^200]);
        return folder;
    }

    private static (double[] Losses, Evaluation Evaluation) Run(EncodedImageFolder folder, bool decodesFiles)
    {
        ImageFileSet data = folder.Open(Options);
        CudaOptions options = new() { IsDeterministic = true, DecodesFiles = decodesFiles };
        using CudaBackend backend = new(options);
        using InferenceSession session = Session(backend);
        return (Train(data, options), Evaluator.Evaluate(session, data, Normalization.ImageNet));
    }

    private static InferenceSession Session(CudaBackend backend)
    {
        InferenceSession session = InferenceSession.Create(Spec, 4, Side, Side, Precision.Fp32, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 3));
        return session;
    }

    private static ResNetSpec Spec { get; } = new() { Depth = 18, Width = 8, Classes = 2, Stem = ResNetStem.Cifar };

    /// <summary>The losses of three steps.</summary>
    private static double[] Train(IDataSet data, CudaOptions options)
    {
        TrainingOptions training = new()
        {
            Spec = Spec,
            Precision = Precision.Fp32,
            Batch = 4,
            Steps = 3,
            LearningRate = 0.01,
            Optimizer = new(0.9, 1e-4),
            Seed = 5,
            Augmentation = Augmentation.Standard(3),
            Normalization = Normalization.ImageNet,
        };
        using CudaBackend backend = new(options);
        using Trainer trainer = Trainer.Create(training, data, test: null, backend, GoldenNetwork.Untuned);
        List<double> losses = [];
        _ = trainer.Run(new TrainingObserver { OnStep = step => losses.Add(step.Loss) }, CancellationToken.None);
        return [.. losses];
    }

    /// <summary>
    /// A level is 0.017 of a deviation; where few pixels are off by one, losses differ by a part in a thousand at most, and
    /// three steps multiply that little.
    /// </summary>
    private static void RequireClose((double[] Losses, Evaluation Evaluation) expected, (double[] Losses, Evaluation Evaluation) actual)
    {
        const double Tolerance = 1e-2;
        RequireClose(expected.Losses, actual.Losses, Tolerance);
        RequireClose([.. expected.Evaluation.Predictions.Select(p => p.Loss)], [.. actual.Evaluation.Predictions.Select(p => p.Loss)], Tolerance);
    }

    private static void RequireClose(double[] expected, double[] actual, double tolerance) =>
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Abs(a)));

    private static EncodedImage Fixture(string name)
    {
        (byte[] _, int width, int height) = ImageFixture.Expected(name);
        EncodedImage image = new();
        image.SetFile(ImageFixture.Bytes(name), width, height, ImagePlacement.Filling(0, 0, width, height, width, height, isMirrored: false));
        return image;
    }

    private static void RequireClose(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        int apart = 0;
        for (int i = 0; i < expected.Length; i++)
            if (Math.Abs(expected[i] - actual[i]) > Levels)
                apart++;
        Assert.True(apart <= expected.Length / 100, $"{what}: {apart} of {expected.Length} values differ by more than {Levels} levels");
    }
}
