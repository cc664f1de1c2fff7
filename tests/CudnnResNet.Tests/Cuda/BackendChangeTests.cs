using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Training;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A run that moves to another backend by its checkpoint goes on with the same losses.</summary>
[Collection("simulated GPU")]
public sealed class BackendChangeTests
{
    private const int Before = 3;

    /// <summary>
    /// Backends sum in different orders; each step of training multiplies such differences, so that three are compared.
    /// On the same backend every bit is the same.
    /// </summary>
    [CudaTheory]
    [InlineData("cuda", "cuda", Precision.Fp32, 0)]
    [InlineData("cuda", "cuda", Precision.Bf16, 0)]
    [InlineData("cuda", "reference", Precision.Fp32, 1e-4)]
    [InlineData("reference", "cuda", Precision.Fp32, 1e-4)]
    public void LossesGoOn(string from, string to, Precision precision, double tolerance) => Check(from, to, precision, tolerance);

    /// <inheritdoc cref="LossesGoOn"/>
    [CudaAndOneDnnTheory]
    [InlineData("cuda", "onednn", Precision.Fp32, 1e-4)]
    [InlineData("onednn", "cuda", Precision.Fp32, 1e-4)]
    public void LossesGoOnBesideOneDnn(string from, string to, Precision precision, double tolerance) => Check(from, to, precision, tolerance);

    private static void Check(string from, string to, Precision precision, double tolerance)
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = SmallTraining.Options(folder.Path, precision);
        RunTrace unbroken, after;
        using (IBackend backend = TestBackends.Create(from))
        {
            unbroken = SmallTraining.Run(options with { OutputFolder = null }, backend, GoldenNetwork.Untuned, stopAfter: 2 * Before);
            _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: Before);
        }
        Checkpoint checkpoint = Checkpoint.Load(folder.File("last.safetensors"));
        // A device that runs ahead ends what it was given.
        long saved = checkpoint.Progress.Step;
        Assert.InRange(saved, Before, Before + 1);
        Resumption resumption = new(checkpoint, Anyway: from != to);
        using (IBackend backend = TestBackends.Create(to))
            after = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, resumption, stopAfter: 2 * Before);
        StepRecord[] expected = Common(unbroken), actual = Common(after);
        Assert.Equal(2 * Before - saved, expected.Length);
        Assert.Equal(expected.Select(step => step.Step), actual.Select(step => step.Step));
        foreach ((StepRecord a, StepRecord b) in expected.Zip(actual))
            Assert.True(Math.Abs(a.Loss - b.Loss) <= tolerance * Math.Abs(a.Loss), $"step {a.Step}: {b.Loss:R} instead of {a.Loss:R}");
        if (from == to)
            SmallTraining.AssertSameState(unbroken, after);

        StepRecord[] Common(RunTrace run) => [.. run.Steps.Where(step => step.Step > saved && step.Step <= 2 * Before)];
    }

    private sealed class CudaAndOneDnnTheoryAttribute : TheoryAttribute
    {
        public CudaAndOneDnnTheoryAttribute() => Skip = DeviceUnderTest.Refusal ?? OneDnnBackend.Probe().Refusal;
    }
}
