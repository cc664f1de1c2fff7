using System.Text.Json;
using CudnnResNet.Compilation;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.OneDnn;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// bf16 against the golden numbers, on the cases for which PyTorch's own bf16 (autocast on the CPU) was measured. One
/// rounding to eight bits costs up to 2^-9; both programs round after every convolution, at different places between
/// them. So the bound is five times what PyTorch errs on the case, and at least 2^-6: eight roundings.
/// </summary>
public class BFloat16Tests
{
    private const double Floor = 1.0 / 64;

    public static TheoryData<string> Cases => [.. GoldenCase.Names.Where(HasMeasurement)];

    [BFloat16Theory(ownKernels: false)]
    [MemberData(nameof(Cases))]
    public void LogitsAndLosses(string name)
    {
        using IBackend backend = new OneDnnBackend(Environment.ProcessorCount);
        Check(name, backend);
    }

    /// <summary>Winograd's method forward and backward wherever it applies, measured to be faster or not.</summary>
    [BFloat16Theory(ownKernels: true)]
    [MemberData(nameof(Cases))]
    public void LogitsAndLossesByWinograd(string name)
    {
        using PreferringBackend backend = new(new OneDnnBackend(Environment.ProcessorCount),
            kernel => kernel.EndsWith("_winograd4", StringComparison.Ordinal));
        Check(name, backend);
    }

    /// <summary>Own direct convolutions, with statistics and masks, forward and backward wherever they apply.</summary>
    [BFloat16Theory(ownKernels: true)]
    [MemberData(nameof(Cases))]
    public void LogitsAndLossesByDirectConvolutions(string name)
    {
        using PreferringBackend backend = new(new OneDnnBackend(Environment.ProcessorCount),
            kernel => kernel.EndsWith("_direct", StringComparison.Ordinal));
        Check(name, backend);
    }

    /// <summary>Software carries out too few instructions a second for more than one network.</summary>
    public static TheoryData<string> AmxCases =>
        AmxUnderTest.Refusal is null && AmxUnderTest.IsNative ? Cases : new("resnet50-v1.5-imagenet");

    /// <summary>
    /// Own kernels for AMX wherever they apply. Filter gradients are left to AVX-512: small products of large filters take
    /// minutes where AMX is carried out in software.
    /// </summary>
    [AmxTheory]
    [MemberData(nameof(AmxCases))]
    public void LogitsAndLossesByAmx(string name)
    {
        using PreferringBackend backend = new(AmxUnderTest.Create(Environment.ProcessorCount),
            kernel => kernel is "bottleneck_fwd_amx" or "conv_bwd_filter_paired");
        Check(name, backend);
    }

    /// <summary>Training too, on one network.</summary>
    [AmxFact]
    public void TrainsByAmx()
    {
        using PreferringBackend backend = new(AmxUnderTest.Create(Environment.ProcessorCount),
            kernel => kernel.EndsWith("_amx", StringComparison.Ordinal));
        Check("resnet18-v1.5-imagenet", backend);
    }

    /// <param name="name">Of the case.</param>
    /// <param name="backend">Computes.</param>
    /// <param name="precision">16 bits of one kind.</param>
    /// <param name="smooth">The share of bf16's bound that logits and the first loss may take.</param>
    /// <param name="later">The same of later losses.</param>
    /// <param name="leastLater">What these may take in any case, relatively.</param>
    internal static void Check(
        string name, IBackend backend, Precision precision = Precision.Bf16, double smooth = 1, double later = 1, double leastLater = 0)
    {
        GoldenCase golden = GoldenCase.Load(name);
        CompilerOptions options = GoldenNetwork.Untuned;
        double[][] logits = GoldenNetwork.Logits(golden, backend, precision, options);
        double largest = golden.EvalLogits.SelectMany(row => row).Max(Math.Abs);
        double allowed = smooth * Math.Max(Floor, 5 * PyTorch(name, "evalLogits")) * largest;
        for (int n = 0; n < golden.Batch; n++)
            for (int k = 0; k < golden.Classes; k++)
                Assert.Equal(golden.EvalLogits[n][k], logits[n][k], allowed);

        if (golden.Steps == 0)
            return;
        GoldenTraining training = GoldenNetwork.Train(golden, backend, precision, options);
        for (int i = 0; i < golden.Steps; i++)
        {
            double tolerance = i == 0 ? smooth * Math.Max(Floor, 5 * PyTorch(name, "firstLoss"))
                : Math.Max(leastLater, later * Math.Max(Floor, 5 * PyTorch(name, "laterLosses")));
            Assert.Equal(golden.TrainLosses[i], training.Losses[i], tolerance * golden.TrainLosses[i]);
        }
    }

    private static bool HasMeasurement(string name) => Case(name).TryGetProperty("bf16", out _);

    private static double PyTorch(string name, string number)
    {
        JsonElement bf16 = Case(name).GetProperty("bf16");
        return Math.Max(bf16.GetProperty("nchw").GetProperty(number).GetDouble(),
            bf16.GetProperty("channelsLast").GetProperty(number).GetDouble());
    }

    /// <summary>Skipped with the reason where this machine does not compute bf16.</summary>
    private sealed class BFloat16TheoryAttribute : TheoryAttribute
    {
        public BFloat16TheoryAttribute(bool ownKernels) =>
            Skip = OneDnnBackend.Probe().Refusal ?? (ownKernels ? CpuKernelsProbe.Run().Refusal : null) ?? Refusal();

        private static string? Refusal()
        {
            using OneDnnBackend backend = new(1);
            return backend.Supports(Precision.Bf16).Refusal;
        }
    }

    private static JsonElement Case(string name)
    {
        using JsonDocument file = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Golden", "float32-deviation.json")));
        return file.RootElement.GetProperty("cases").GetProperty(name).Clone();
    }
}
