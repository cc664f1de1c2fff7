using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Data;
using CudnnResNet.Imaging;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Runs that between them call what the runtime imports. Each is small, and gives the same numbers every time.</summary>
internal static class FaultScenarios
{
    private const int Steps = 3;

    /// <summary>Name, setting of the simulator, and the run; its folder is for checkpoints.</summary>
    public static readonly (string Name, string Script, double Tolerance, Func<string?, double[]> Run)[] All =
    [
        ("training", "reset", Float32, Train),
        ("training by the calls before graphs, on a device without memory pools", "reset; pools 0", Float32, TrainByClassicCalls),
        ("tuned inference in a host's context", "reset", Float32, InferInHostContext),
        ("training in fp16 by the calls before graphs", "reset", Float16, TrainInHalfByClassicCalls),
        ("a kernel that does not compile", "reset; fail nvrtcCompileProgram 1 6", Float32, TrainBehindCompilerError),
        ("a look at the device", "reset", 0, Probe),
        ("copies within the device, by themselves and recorded", "reset", 0, CopyWithinDevice),
        .. HasImages ? [("training on JPEG files, of which a batch is tried one by one", "reset; fail nvjpegDecodeBatched 1 3", Float32, TrainOnFiles)] : Array.Empty<(string, string, double, Func<string?, double[]>)>(),
    ];

    /// <summary>Sums in another order, over three steps.</summary>
    internal const double Float32 = 1e-4;

    /// <summary>The same where values between kernels have 11 bits.</summary>
    private const double Float16 = 2e-2;

    /// <summary>The simulated nvJPEG finds libjpeg-turbo.</summary>
    internal static bool HasImages => ImagingProbe.Run().IsAvailable;

    /// <summary>Losses of a run that saves after every other step and replays CUDA graphs, with steps under way. Kernels are compiled, not found on disk.</summary>
    public static double[] Train(string? folder)
    {
        using IDisposable cold = EmptyCache();
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, MarksRanges = true });
        return Train(folder, backend);
    }

    public static double[] TrainByClassicCalls(string? folder)
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        return Train(folder, new PreferringBackend(backend, name => name.Contains("classic", StringComparison.Ordinal)));
    }

    /// <summary>fp16 alone has the norms of those calls; other chains would take their work.</summary>
    private static double[] TrainInHalfByClassicCalls(string? folder)
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        PreferringBackend classic = new(backend, IsClassic);
        return Train(folder, new ChainFilter(classic, (kernel, _) => IsClassic(kernel.Name)), Precision.Fp16);

        static bool IsClassic(string name) => name.Contains("classic", StringComparison.Ordinal);
    }

    /// <summary>The error quotes the compiler; without the fault, the next run in the process is whole.</summary>
    private static double[] TrainBehindCompilerError(string? folder)
    {
        ResNetException error = Assert.ThrowsAny<ResNetException>(() => Train(null));
        if (!error.Message.StartsWith("NVRTC: ", StringComparison.Ordinal))
            throw error;
        return Train(folder);
    }

    /// <summary>What doctor prints: without NVML a device is there all the same.</summary>
    private static double[] Probe(string? folder) =>
        [.. CudaProbe.Run().Devices.SelectMany(device => (double[])[device.Ordinal, device.Architecture, device.MemoryBytes])];

    private static double[] CopyWithinDevice(string? folder)
    {
        const int Bytes = DeviceCopy.Bytes;
        using CudaDevice device = CudaDevice.Open(0);
        using PinnedStaging staging = new(device);
        using CudaArena arena = new(3 * Bytes, device, staging);
        using DeviceCopy first = new(device, arena, 0, Bytes), second = new(device, arena, Bytes, 2 * Bytes);
        byte[] bytes = [.. Enumerable.Range(1, Bytes).Select(i => (byte)i)];
        arena.Write(new Region(0, Bytes), bytes);
        first.Run();
        second.Run();
        arena.Read(new Region(2 * Bytes, Bytes), bytes);
        arena.Write(new Region(0, Bytes), [.. bytes.Reverse()]);
        using RecordedRun recording = RecordedRun.Record(device, [first, second]);
        recording.Run();
        arena.Read(new Region(2 * Bytes, Bytes), bytes);
        return [.. bytes.Select(each => (double)each)];
    }

    /// <summary>Files that are as large as the network's images, so that the host and either resize make the same pixels of them.</summary>
    private static double[] TrainOnFiles(string? folder)
    {
        using EncodedImageFolder images = new(6, 16, 16);
        using CudaBackend backend = new(new CudaOptions { IsDeterministic = true, ScalesByNpp = true });
        ImageFileSet data = images.Open(new ImageOptions
        {
            Evaluation = new EvaluationTransform(0, 16),
            Training = new TrainingTransform(1, 1, 1),
            Damaged = new DamagedImages(1),
        });
        return Train(folder, backend, Precision.Fp32, Spec with { InputChannels = 3, Classes = 2 }, data, Augmentation.Standard(2));
    }

    /// <summary>Logits, by the kernels that measure fastest; one request beforehand that no device can fulfil.</summary>
    public static double[] InferInHostContext(string? folder)
    {
        using CudaDevice host = CudaDevice.Open(0);
        using CudaBackend backend = CudaBackend.OnContext(host.Context.Value, host.Stream.Value, new CudaOptions { IsDeterministic = true });
        ResNetException tooMuch = Assert.ThrowsAny<ResNetException>(() => backend.Allocate(1L << 50));
        if (!tooMuch.Message.StartsWith("The device cannot provide", StringComparison.Ordinal))
            throw tooMuch;
        using InferenceSession session = InferenceSession.Create(Spec, 2, 16, 16, Precision.Fp32, backend,
            new CompilerOptions { PlanCacheFolder = null });
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 1));
        session.WriteImages([.. Enumerable.Range(0, session.ImageElements).Select(i => Math.Sin(i))]);
        double[] logits = new double[session.LogitElements];
        for (int i = 0; i < 3; i++)
            session.Run();
        session.ReadLogits(logits);
        return logits;
    }

    private static ResNetSpec Spec { get; } = new() { Depth = 18, Width = 8, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar };

    private static double[] Train(string? folder, IBackend backend, Precision precision = Precision.Fp32, ResNetSpec? spec = null,
        IDataSet? data = null, Augmentation? augmentation = null)
    {
        TrainingOptions options = new()
        {
            Spec = spec ?? Spec,
            Precision = precision,
            Batch = 2,
            Epochs = 2,
            LearningRate = 0.01,
            Optimizer = new SgdOptions(0.9, 1e-4),
            Seed = 5,
            Augmentation = augmentation ?? Augmentation.None,
            EvaluationBatch = 2,
            OutputFolder = folder,
            SaveEvery = folder is null ? null : 2,
        };
        using Trainer trainer = Trainer.Create(options, data ?? Data(), test: null, backend, GoldenNetwork.Untuned);
        using CancellationTokenSource cancellation = new();
        List<double> losses = [];
        _ = trainer.Run(new TrainingObserver
        {
            OnStep = step =>
            {
                // Steps that are under way when the run is cancelled come to their end.
                if (losses.Count < Steps)
                    losses.Add(step.Loss);
                if (step.Step == Steps)
                    cancellation.Cancel();
            },
        }, cancellation.Token);
        return [.. losses];
    }

    private static ByteImageSet Data()
    {
        const int Count = 10;
        byte[] pixels = new byte[Count * 16 * 16];
        new Random(3).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (16, 16, 1), [.. Enumerable.Range(0, Count).Select(i => i % 3)], ["a", "b", "c"]);
    }

    private static CacheFolder EmptyCache() => new();

    /// <summary>An empty folder for plans and compiled kernels, while it is in use.</summary>
    private sealed class CacheFolder : IDisposable
    {
        private const string Variable = "XDG_CACHE_HOME";

        private readonly string? _before = Environment.GetEnvironmentVariable(Variable);
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cudnnresnet-cache-");

        public CacheFolder() => Environment.SetEnvironmentVariable(Variable, _folder.FullName);

        public void Dispose()
        {
            Environment.SetEnvironmentVariable(Variable, _before);
            _folder.Delete(recursive: true);
        }
    }
}
