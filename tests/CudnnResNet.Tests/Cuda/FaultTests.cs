using System.Reflection;
using System.Text.RegularExpressions;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using Xunit.Abstractions;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Every imported function fails, at its first call and at its last one, while a network trains or serves. The runtime
/// goes on by another kernel, or it raises one error; it releases everything and can start again in the same process.
/// </summary>
[Collection("simulated GPU")]
public sealed partial class FaultTests(ITestOutputHelper output) : IDisposable
{
    /// <summary>Names and texts, which have no status that could be a failure.</summary>
    private static readonly string[] CannotFail =
    [
        nameof(Cudnn.cudnnGetVersion), nameof(Cudnn.cudnnGetErrorString), nameof(Cudnn.cudnnGetLastErrorString),
        nameof(Cudnn.cudnnGetCudartVersion), nameof(CublasLt.cublasLtGetVersion), nameof(Nvrtc.nvrtcGetErrorString),
        nameof(Nvml.nvmlErrorString), nameof(CudaDriver.cuGetErrorString),
    ];

    /// <summary>Called where libjpeg-turbo stands behind the simulated nvJPEG alone.</summary>
    private static readonly string[] NeedImages = FaultScenarios.HasImages ? [] :
    [
        nameof(NvJpeg.nvjpegCreateEx), nameof(NvJpeg.nvjpegDestroy), nameof(NvJpeg.nvjpegJpegStateCreate), nameof(NvJpeg.nvjpegJpegStateDestroy),
        nameof(NvJpeg.nvjpegDecode), nameof(NvJpeg.nvjpegDecodeBatchedInitialize), nameof(NvJpeg.nvjpegDecodeBatched),
        nameof(Npp.nppiResize_8u_C3R_Ctx),
    ];

    private static readonly Type[] Bindings =
        [typeof(CudaDriver), typeof(Nvrtc), typeof(Cudnn), typeof(CudnnClassic), typeof(CublasLt), typeof(Nvml),
        typeof(NvJpeg), typeof(Npp), typeof(Nvtx)];

    public void Dispose()
    {
        if (Simulator.Folder is not null)
            Simulator.Script("reset");
    }

    [SimulatorFact]
    public void EveryImportMayFail()
    {
        HashSet<string> left = [.. Functions().Select(function => function.Name)];
        List<string> wrong = [];
        int raised = 0, survived = 0;
        foreach ((string scenario, string script, double tolerance, Func<string?, double[]> run) in FaultScenarios.All)
        {
            Simulator.Script(script);
            Simulator.Clear();
            double[] expected = run(null);
            Assert.Empty(Simulator.Complaints());
            Assert.Equal("", Simulator.Live());
            (string Name, long Calls, int Status)[] called = [.. Functions()
                .Select(function => (function.Name, Calls: Simulator.Query("calls." + function.Name), Status(function)))
                .Where(function => function.Calls > 0 && left.Contains(function.Name))];
            foreach ((string name, long calls, int status) in called)
            {
                left.Remove(name);
                foreach (long call in calls == 1 ? [1L] : new[] { 1, calls })
                {
                    string what = $"{scenario}: call {call} of {calls} of {name} answers {status}";
                    if (Walk(run, $"{script}; fail {name} {call} {status}", expected, tolerance, what, wrong))
                        raised++;
                    else
                        survived++;
                }
            }
            Simulator.Script(script);
            AssertClose(expected, run(null), tolerance);
        }
        output.WriteLine($"{Functions().Count()} imports; {raised} errors, {survived} runs that went on; not called: {string.Join(", ", left)}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(raised > 20 && survived > 20, $"{raised} errors, {survived} runs that went on");
        left.ExceptWith(NeedImages);
        Assert.True(left.Count == 0, $"No scenario calls {string.Join(", ", left)}.");
    }

    /// <summary>Faults of the device itself, engines that take nothing, and heuristics that find nothing or nonsense.</summary>
    [SimulatorTheory]
    [InlineData("kernel-fault 1 719", true)]
    [InlineData("kernel-fault 40 700", true)]
    [InlineData("kernel-fault 200 719", true)]
    [InlineData("hang 20", true)]
    [InlineData("memory 100000", true)]
    [InlineData("slow 50", false)]
    [InlineData("heuristics nothing", false)]
    [InlineData("heuristics garbage", false)]
    [InlineData("fail cudnnBackendFinalize * 3000", false)]
    [InlineData("fail cudnnBackendExecute * 3000", false)]
    [InlineData("fail cudnnBackendExecute * 5000; fail cublasLtMatmul * 15", false)]
    [InlineData("fail cuGraphInstantiateWithFlags * 801", false)]
    [InlineData("order lazy", false)]
    [InlineData("order eager", false)]
    [InlineData("seed 12345", false)]
    public void TheDeviceMayMisbehave(string script, bool isFatal)
    {
        Simulator.Script("reset");
        double[] expected = FaultScenarios.Train(null);
        List<string> wrong = [];
        bool isRaised = Walk(FaultScenarios.Train, script, expected, FaultScenarios.Float32, script, wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(isFatal, isRaised);
        Assert.Equal(expected, FaultScenarios.Train(null));
    }

    /// <summary>The own kernels alone: every library call that computes is refused.</summary>
    [SimulatorFact]
    public void OwnKernelsTakeOverFromLibraries()
    {
        Simulator.Script("reset");
        double[] expected = FaultScenarios.TrainByClassicCalls(null);
        Simulator.Script("fail cudnnConvolutionForward * 3000; fail cudnnConvolutionBackwardData * 3000; "
            + "fail cudnnConvolutionBackwardFilter * 3000; fail cublasLtMatmul * 15");
        AssertClose(expected, FaultScenarios.TrainByClassicCalls(null), FaultScenarios.Float32);
        Assert.Equal("", Simulator.Live());
    }

    /// <summary>Whether the run ended in an error. Adds to <paramref name="wrong"/> what must not be.</summary>
    private static bool Walk(Func<string?, double[]> run, string script, double[] expected, double tolerance, string what, List<string> wrong)
    {
        using TemporaryFolder folder = new();
        Simulator.Clear();
        Simulator.Script(script);
        double[]? numbers = null;
        Exception? error = Record.Exception(() => numbers = run(folder.Path));
        Simulator.Script("reset");
        if (Simulator.Live() is { Length: > 0 } live)
            wrong.Add($"{what}: still alive: {live} after {error?.GetType().Name ?? "a whole run"}");
        if (error is not null && (error is not ResNetException || !ClearError().IsMatch(error.Message)))
            wrong.Add($"{what}: {error}");
        if (numbers is not null && !AreClose(expected, numbers, tolerance))
            wrong.Add($"{what}: {string.Join(", ", numbers)} instead of {string.Join(", ", expected)}");
        if (numbers is not null && Simulator.Complaints() is { Count: > 0 } complaints)
            wrong.Add($"{what}: {string.Join("; ", complaints)}");
        string last = Path.Combine(folder.Path, "last.safetensors");
        if (File.Exists(last))
            _ = Checkpoint.Load(last);
        return error is not null;
    }

    /// <summary>One line: the library, its call, the status and a hint; or that there is too little memory, or no device.</summary>
    [GeneratedRegex(@"^(((CUDA driver|NVRTC|cuDNN|cuBLASLt|NVML|nvJPEG|NPP): \S.* returned [A-Z][A-Za-z_0-9]+: \S.*)|(The device cannot provide \d+ MB.*)|(NVIDIA's driver .*))$")]
    private static partial Regex ClearError();

    /// <summary>Another engine sums in another order; nothing else may change.</summary>
    private static bool AreClose(double[] expected, double[] actual, double tolerance) => expected.Length == actual.Length
        && expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance * Math.Max(1, Math.Abs(pair.First)));

    private static void AssertClose(double[] expected, double[] actual, double tolerance) => Assert.True(AreClose(expected, actual, tolerance),
        $"{string.Join(", ", actual)} instead of {string.Join(", ", expected)}");

    private static IEnumerable<MethodInfo> Functions() =>
        from type in Bindings
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where !method.Name.Contains('<', StringComparison.Ordinal) && !CannotFail.Contains(method.Name)
        select method;

    /// <summary>A status of the function's own library that it may answer.</summary>
    private static int Status(MethodInfo function) => function.Name switch
    {
        _ when function.DeclaringType == typeof(CudaDriver) => function.Name.Contains("Alloc", StringComparison.Ordinal)
            ? (int)CUresult.CUDA_ERROR_OUT_OF_MEMORY
            : (int)CUresult.CUDA_ERROR_LAUNCH_FAILED,
        _ when function.DeclaringType == typeof(Nvrtc) => 6,
        _ when function.DeclaringType == typeof(CublasLt) => 13,
        _ when function.DeclaringType == typeof(Nvml) => 15,
        // A depth: negative is NVTX_NO_PUSH_POP_TRACKING, where no profiler listens.
        _ when function.DeclaringType == typeof(Nvtx) => -2,
        _ when function.DeclaringType == typeof(NvJpeg) => 6,
        _ when function.DeclaringType == typeof(Npp) => -1000,
        nameof(Cudnn.cudnnBackendFinalize) => 3000,
        nameof(Cudnn.cudnnBackendExecute) => 5000,
        _ => 4003,
    };
}
