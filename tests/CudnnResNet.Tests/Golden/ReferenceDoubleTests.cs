using CudnnResNet.Reference;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// In double, the reference backend reproduces PyTorch's float64 numbers to 1e-9: the two differ only in the order of
/// summation. Single elements are compared relative to their tensor's root mean square, because an element may be
/// arbitrarily close to zero.
/// </summary>
public class ReferenceDoubleTests
{
    private const double Tolerance = 1e-9;

    [Theory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void Logits(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        double[][] logits = GoldenNetwork.Logits(golden, backend, Precision.Fp64, GoldenNetwork.Untuned);
        double largest = golden.EvalLogits.SelectMany(row => row).Max(Math.Abs);
        for (int n = 0; n < golden.Batch; n++)
            for (int k = 0; k < golden.Classes; k++)
                Assert.Equal(golden.EvalLogits[n][k], logits[n][k], Tolerance * largest);
    }

    [Theory]
    [MemberData(nameof(GoldenCase.All), MemberType = typeof(GoldenCase))]
    public void TrainingSteps(string name)
    {
        GoldenCase golden = GoldenCase.Load(name);
        if (golden.Steps == 0)
            return;
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        GoldenTraining training = GoldenNetwork.Train(golden, backend, Precision.Fp64, GoldenNetwork.Untuned);
        for (int i = 0; i < golden.Steps; i++)
            AssertRelative(golden.TrainLosses[i], training.Losses[i], $"loss of step {i + 1}");
        Assert.Equal(golden.FirstStepGradientNorms.Keys.Order(), training.GradientNorms.Keys.Order());
        foreach ((string parameter, double norm) in golden.FirstStepGradientNorms)
            AssertRelative(norm, training.GradientNorms[parameter], $"gradient of {parameter}");
        foreach ((string parameter, double[] expected) in golden.FinalNormFirstLast)
        {
            double[] actual = training.Final[parameter];
            double rms = expected[0] / Math.Sqrt(actual.Length);
            AssertRelative(expected[0], GoldenNetwork.Norm(actual), $"norm of {parameter}");
            Assert.Equal(expected[1], actual[0], Tolerance * rms);
            Assert.Equal(expected[2], actual[^1], Tolerance * rms);
        }
    }

    private static void AssertRelative(double expected, double actual, string what) =>
        Assert.True(Math.Abs(actual - expected) <= Tolerance * Math.Abs(expected),
            $"{what}: {actual:R} instead of {expected:R}");
}
