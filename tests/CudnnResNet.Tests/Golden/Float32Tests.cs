using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cuda;
using CudnnResNet.Tests.OneDnn;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// float32 against the golden numbers. Logits and the first loss have fixed bounds (no error has grown yet; the deep
/// pre-activation networks amplify more). Later losses and gradient norms may err by 1e-4, or by five times what
/// float32 PyTorch itself errs on the case, where that is more: a step of training amplifies rounding by a factor
/// that belongs to the network, not to the program. docs/numerics.md has the table.
/// </summary>
public abstract class Float32Tests
{
    protected abstract string BackendName { get; }

    protected abstract CompilerOptions Options { get; }

    private protected virtual IBackend CreateBackend() => TestBackends.Create(BackendName);

    protected void CheckLogits(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using IBackend backend = CreateBackend();
        double[][] logits = GoldenNetwork.Logits(golden, backend, Precision.Fp32, Options);
        double largest = golden.EvalLogits.SelectMany(row => row).Max(Math.Abs);
        for (int n = 0; n < golden.Batch; n++)
            for (int k = 0; k < golden.Classes; k++)
                Assert.Equal(golden.EvalLogits[n][k], logits[n][k], 1e-5 * largest);
    }

    protected void CheckTraining(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        Float32Deviation pytorch = Float32Deviation.Of(name);
        using IBackend backend = CreateBackend();
        GoldenTraining training = GoldenNetwork.Train(golden, backend, Precision.Fp32, Options);
        double firstLoss = golden.Depth >= 152 ? 5e-4 : 2e-5;
        double laterLoss = Math.Max(1e-4, 5 * pytorch.LaterLosses);
        double gradient = Math.Max(1e-4, 5 * pytorch.GradientNorms);
        for (int i = 0; i < golden.Steps; i++)
            AssertRelative(golden.TrainLosses[i], training.Losses[i], i == 0 ? firstLoss : laterLoss, $"loss {i + 1}");
        foreach ((string parameter, double norm) in golden.FirstStepGradientNorms)
            AssertRelative(norm, training.GradientNorms[parameter], gradient, $"gradient of {parameter}");
    }

    private static void AssertRelative(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(actual - expected) <= tolerance * Math.Abs(expected),
            $"{what}: {actual:R} instead of {expected:R} (off by {Math.Abs(actual / expected - 1):e2}, allowed {tolerance:e2})");

    public static TheoryData<string> TrainingCases =>
        [.. GoldenCase.Names.Where(name => GoldenCase.Load(name).Steps > 0)];
}

public class ReferenceFloat32Tests : Float32Tests
{
    protected override string BackendName => "reference";

    protected override CompilerOptions Options => GoldenNetwork.Untuned;

    [Theory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name) => CheckLogits(name);

    [Theory]
    [MemberData(nameof(TrainingCases))]
    public void Training(string name) => CheckTraining(name);
}

/// <summary>With tuning on, so that what is checked is what users get.</summary>
public class OneDnnFloat32Tests : Float32Tests
{
    protected override string BackendName => "onednn";

    protected override CompilerOptions Options => new() { PlanCacheFolder = Plans };

    private static readonly string Plans = Directory.CreateTempSubdirectory("cudnnresnet-plans-").FullName;

    [OneDnnTheory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name) => CheckLogits(name);

    [OneDnnTheory]
    [MemberData(nameof(TrainingCases))]
    public void Training(string name) => CheckTraining(name);
}

/// <summary>
/// Own kernels wherever they apply, measured to be faster or not: Winograd's method forward and backward, and products.
/// </summary>
public class WinogradFloat32Tests : Float32Tests
{
    protected override string BackendName => "onednn";

    protected override CompilerOptions Options => GoldenNetwork.Untuned;

    private protected override IBackend CreateBackend() => Preferring(4);

    private static PreferringBackend Preferring(int tile) =>
        new(TestBackends.Create("onednn"),
            name => name == "conv_fwd_product" || name.EndsWith($"_winograd{tile}", StringComparison.Ordinal));

    [CpuKernelsTheory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name) => CheckLogits(name);

    [CpuKernelsTheory]
    [MemberData(nameof(TrainingCases))]
    public void Training(string name) => CheckTraining(name);

    [CpuKernelsTheory]
    [InlineData(2)]
    [InlineData(4)]
    public void TakesEveryConvolutionThatItApplies(int tile)
    {
        GoldenCase golden = GoldenCase.Load("resnet50-v1.5-nodown");
        using PreferringBackend backend = Preferring(tile);
        using InferenceSession session = InferenceSession.Create(GoldenNetwork.Spec(golden), golden.Batch,
            golden.ImageSize, golden.ImageSize, Precision.Fp32, backend, Options);
        string[] kernels = [.. session.Compiled.Schedule.Segments
            .Where(segment => segment.Problem.Operations[0]
                is ConvolutionForward { Geometry: { R: 3, Stride: 1, H: > 2 } })
            .Select(segment => segment.Kernel.Name)];
        Assert.True(kernels.Length >= 10);
        Assert.All(kernels, name => Assert.Equal($"conv_fwd_winograd{tile}", name));
    }
}

/// <summary>The same with the smaller tiles.</summary>
public class SmallTileFloat32Tests : Float32Tests
{
    protected override string BackendName => "onednn";

    protected override CompilerOptions Options => GoldenNetwork.Untuned;

    private protected override IBackend CreateBackend() => new PreferringBackend(
        TestBackends.Create(BackendName), name => name.EndsWith("_winograd2", StringComparison.Ordinal));

    [CpuKernelsTheory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name) => CheckLogits(name);
}

/// <summary>On the device of this machine, or on the simulated one: best guesses of cuDNN, replayed as CUDA graphs.</summary>
[Collection("simulated GPU")]
public class CudaFloat32Tests : Float32Tests
{
    protected override string BackendName => "cuda";

    protected override CompilerOptions Options => GoldenNetwork.Untuned;

    [CudaTheory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name) => CheckLogits(name);

    [CudaTheory]
    [MemberData(nameof(TrainingCases))]
    public void Training(string name) => CheckTraining(name);
}
