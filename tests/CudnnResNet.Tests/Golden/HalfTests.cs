using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cuda;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// bf16 and fp16 on cuda against the golden numbers, on the cases for which PyTorch's bf16 was measured. bf16 has the CPU's
/// bounds. fp16 rounds by an eighth of that: logits and the first loss are smooth in the rounding and have an eighth of the
/// bound. Later losses have seen gradients through ReLU masks; the masks that rounding flips are an eighth as many, each
/// with the effect that it has in bf16 and either sign, and so that bound is divided by the root of eight; but it is not
/// below float32's own, five times what PyTorch errs in float32.
/// </summary>
[Collection("simulated GPU")]
public class HalfTests
{
    private const double FinerBy = 8;

    public static TheoryData<string> Cases => BFloat16Tests.Cases;

    [CudaTheory]
    [InlineData("resnet18-v1.5-imagenet")]
    [InlineData("resnet18-v2-cifar")]
    [InlineData("resnet32-v2-padded")]
    public void BFloat16(string name)
    {
        using IBackend backend = DeviceUnderTest.Create();
        BFloat16Tests.Check(name, backend);
    }

    [CudaTheory]
    [MemberData(nameof(Cases))]
    public void Float16(string name)
    {
        using IBackend backend = DeviceUnderTest.Create();
        CheckFloat16(name, backend);
    }

    /// <summary>The stem's three channels padded to eight wherever that applies, measured to be faster or not.</summary>
    [CudaTheory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void NumbersAreThoseOfAPaddedStem(Precision precision)
    {
        const string Name = "resnet18-v1.5-imagenet";
        using PreferringBackend backend = new(DeviceUnderTest.Create(), kernel => kernel.Contains("_padded_", StringComparison.Ordinal));
        GoldenCase golden = GoldenCase.Load(Name);
        LayerGraph step = TrainingSession.StepGraph(GoldenNetwork.Spec(golden), golden.Batch, golden.ImageSize, golden.ImageSize, precision,
            new StepOptions(new SgdOptions(golden.Momentum, golden.WeightDecay)), backend);
        Assert.Equal(2, Compiler.Compile(step, backend, GoldenNetwork.Untuned).Schedule.Segments
            .Count(segment => segment.Kernel.Name.Contains("_padded_", StringComparison.Ordinal)));
        if (precision == Precision.Bf16)
            BFloat16Tests.Check(Name, backend);
        else
            CheckFloat16(Name, backend);
    }

    private static void CheckFloat16(string name, IBackend backend) => BFloat16Tests.Check(name, backend, Precision.Fp16,
        smooth: 1 / FinerBy, later: 1 / Math.Sqrt(FinerBy), leastLater: 5 * Float32Deviation.Of(name).LaterLosses);
}
