using System.Reflection;
using CudnnResNet.Autodiff;
using CudnnResNet.Cuda;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using Xunit.Abstractions;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Every imported function fails once, at its first call and at its last one, while a network trains. The runtime goes
/// on with another kernel, or it raises one error; it releases everything and can start again in the same process.
/// </summary>
[Collection("simulated GPU")]
public sealed class FaultTests(ITestOutputHelper output)
{
    private const int Steps = 3;

    /// <summary>Names and texts, which have no status that could be a failure.</summary>
    private static readonly string[] CannotFail =
    [
        nameof(Cudnn.cudnnGetVersion), nameof(Cudnn.cudnnGetErrorString), nameof(Cudnn.cudnnGetLastErrorString),
        nameof(Cudnn.cudnnGetCudartVersion), nameof(CublasLt.cublasLtGetVersion), nameof(Nvrtc.nvrtcGetErrorString),
        nameof(Nvml.nvmlErrorString), nameof(CudaDriver.cuGetErrorName), nameof(CudaDriver.cuGetErrorString),
    ];

    private static readonly Type[] Bindings =
        [typeof(CudaDriver), typeof(Nvrtc), typeof(Cudnn), typeof(CudnnClassic), typeof(CublasLt), typeof(Nvml)];

    [SimulatorFact]
    public void EveryImportMayFail()
    {
        Simulator.Script("reset");
        Simulator.Clear();
        double[] expected = Train(null);
        Assert.Empty(Simulator.Complaints());
        Assert.Equal("", Simulator.Live());
        (string Name, long Calls, int Status)[] functions = [.. Functions()];
        List<string> wrong = [];
        int raised = 0, survived = 0, unused = 0;
        foreach ((string name, long calls, int status) in functions)
        {
            unused += calls == 0 ? 1 : 0;
            foreach (long call in calls == 0 ? [] : calls == 1 ? [1L] : new[] { 1, calls })
            {
                string what = $"call {call} of {calls} of {name} answers {status}";
                if (Walk($"fail {name} {call} {status}", expected, what, wrong))
                    raised++;
                else
                    survived++;
            }
        }
        output.WriteLine($"{functions.Length} imports, {unused} not called by this run; {raised} errors, {survived} runs that went on");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(raised > 20 && survived > 0);
        Assert.Equal(expected, Train(null));
    }

    /// <summary>Faults of the device itself, and heuristics that find nothing or nonsense.</summary>
    [SimulatorTheory]
    [InlineData("kernel-fault 1 719")]
    [InlineData("kernel-fault 40 700")]
    [InlineData("kernel-fault 200 719")]
    [InlineData("hang 20")]
    [InlineData("memory 100000")]
    [InlineData("slow 50")]
    [InlineData("order lazy")]
    [InlineData("order eager")]
    [InlineData("seed 12345")]
    public void TheDeviceMayMisbehave(string script)
    {
        Simulator.Script("reset");
        Simulator.Clear();
        double[] expected = Train(null);
        List<string> wrong = [];
        bool isRaised = Walk(script, expected, script, wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(script.Split(' ')[0] is "kernel-fault" or "hang" or "memory", isRaised);
        Assert.Equal(expected, Train(null));
    }

    /// <summary>Whether the run ended in an error. Adds to <paramref name="wrong"/> what must not be.</summary>
    private static bool Walk(string script, double[] expected, string what, List<string> wrong)
    {
        using TemporaryFolder folder = new();
        Simulator.Clear();
        Simulator.Script(script);
        double[]? losses = null;
        Exception? error = Record.Exception(() => losses = Train(folder.Path));
        Simulator.Script("reset");
        if (Simulator.Live() is { Length: > 0 } live)
            wrong.Add($"{what}: still alive: {live} after {error?.GetType().Name ?? "a whole run"}");
        if (error is not null and not ResNetException and not CudaLibraryException)
            wrong.Add($"{what}: {error}");
        if (error is not null && error.Message.ReplaceLineEndings("\n").Contains('\n', StringComparison.Ordinal))
            wrong.Add($"{what}: the message has several lines: {error.Message}");
        // Another engine sums in another order; nothing else may change.
        if (losses is not null && losses.Zip(expected).Any(pair => !(Math.Abs(pair.First - pair.Second) <= 1e-4 * Math.Abs(pair.Second))))
            wrong.Add($"{what}: losses {string.Join(", ", losses)} instead of {string.Join(", ", expected)}");
        string last = Path.Combine(folder.Path, "last.safetensors");
        if (File.Exists(last))
            _ = Checkpoint.Load(last);
        else if (error is null)
            wrong.Add($"{what}: the run wrote no checkpoint");
        return error is not null;
    }

    private static IEnumerable<(string Name, long Calls, int Status)> Functions() =>
        from type in Bindings
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where !method.Name.Contains('<', StringComparison.Ordinal) && !CannotFail.Contains(method.Name)
        select (method.Name, Simulator.Query("calls." + method.Name), Status(method));

    /// <summary>A status of the function's own library that it may answer.</summary>
    private static int Status(MethodInfo function) => function.Name switch
    {
        _ when function.DeclaringType == typeof(CudaDriver) => function.Name.Contains("Alloc", StringComparison.Ordinal)
            ? (int)CUresult.CUDA_ERROR_OUT_OF_MEMORY
            : (int)CUresult.CUDA_ERROR_LAUNCH_FAILED,
        _ when function.DeclaringType == typeof(Nvrtc) => 6,
        _ when function.DeclaringType == typeof(CublasLt) => 13,
        _ when function.DeclaringType == typeof(Nvml) => 15,
        nameof(Cudnn.cudnnBackendFinalize) => 3000,
        nameof(Cudnn.cudnnBackendExecute) => 5000,
        _ => 4003,
    };

    private static double[] Train(string? folder)
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using Trainer trainer = Trainer.Create(Options(folder), Data(), test: null, backend, GoldenNetwork.Untuned);
        using CancellationTokenSource cancellation = new();
        List<double> losses = [];
        _ = trainer.Run(new TrainingObserver
        {
            OnStep = step =>
            {
                losses.Add(step.Loss);
                if (step.Step == Steps)
                    cancellation.Cancel();
            },
        }, cancellation.Token);
        return [.. losses];
    }

    private static TrainingOptions Options(string? folder) => new()
    {
        Spec = new ResNetSpec { Depth = 18, Width = 8, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar },
        Precision = Precision.Fp32,
        Batch = 2,
        Epochs = 2,
        LearningRate = 0.05,
        Optimizer = new SgdOptions(0.9, 1e-4),
        Seed = 5,
        Augmentation = Augmentation.None,
        EvaluationBatch = 2,
        OutputFolder = folder,
    };

    private static ByteImageSet Data()
    {
        const int Count = 10;
        byte[] pixels = new byte[Count * 8 * 8];
        new Random(3).NextBytes(pixels);
        return new ByteImageSet("noise", pixels, (8, 8, 1), [.. Enumerable.Range(0, Count).Select(i => i % 3)], ["a", "b", "c"]);
    }
}
