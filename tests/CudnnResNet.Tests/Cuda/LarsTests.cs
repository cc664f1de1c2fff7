using CudnnResNet.Autodiff;
using CudnnResNet.Cuda;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>LARS gives every tensor a rate of its own, and costs two launches a step for all of them.</summary>
[Collection("simulated GPU")]
public sealed class LarsTests
{
    private const int Steps = 3;
    private const int Batch = 8;

    private static readonly SgdOptions Sgd = new(0.9, 1e-4);
    private static readonly SgdOptions Lars = Sgd with { TrustCoefficient = 0.02 };

    /// <summary>float32 against double; a step amplifies rounding by what the golden cases show (docs/numerics.md), below 1e-3.</summary>
    [CudaFact]
    public void LossesAreThoseOfTheReference()
    {
        using ReferenceBackend reference = new(threads: 2);
        double[] expected = Run(reference, Precision.Fp64, Lars), plain = Run(reference, Precision.Fp64, Sgd);
        using CudaBackend backend = DeviceUnderTest.Create();
        double[] actual = Run(backend, Precision.Fp32, Lars);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-3 * pair.First));
        Assert.True(Math.Abs(plain[^1] - expected[^1]) > 1e-2 * expected[^1], "the rates made no difference");
    }

    [SimulatorFact]
    public void AllNormsTakeTwoLaunches() => Assert.Equal(2, LaunchesOfAStep(Lars) - LaunchesOfAStep(Sgd));

    private static long LaunchesOfAStep(SgdOptions options)
    {
        using CudaBackend backend = DeviceUnderTest.Create(recordsGraphs: false);
        Simulator.Clear();
        Run(backend, Precision.Fp32, options);
        return Simulator.Query("calls.cuLaunchKernel") / Steps;
    }

    private static double[] Run(IBackend backend, Precision precision, SgdOptions options)
    {
        ResNetSpec spec = new() { Depth = 18, Width = 8, Classes = 4, Stem = ResNetStem.Cifar };
        using TrainingSession session = TrainingSession.Create(spec, Batch, 8, 8, precision, new StepOptions(options), backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 5));
        double[] images = [.. Enumerable.Range(0, Batch * 8 * 8 * 3).Select(i => Math.Sin(0.37 * i))];
        int[] labels = [.. Enumerable.Range(0, Batch).Select(i => i % 4)];
        return [.. Enumerable.Range(0, Steps).Select(_ => session.Step(images, labels, 0.1))];
    }
}
