using CudnnResNet.Autodiff;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Execution;

/// <summary>What is planned is what is allocated, and nothing is allocated after that.</summary>
public class SteadyStateTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 50, Width = 8, Classes = 5, Stem = ResNetStem.Cifar };

    [Fact]
    public void TrainingStep()
    {
        using CountingBackend backend = new(new ReferenceBackend(2));
        using TrainingSession session = TrainingSession.Create(Spec, 2, 16, 16, Precision.Fp32,
            new StepOptions(new SgdOptions(0.9, 1e-4)), backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        Assert.Equal(1, backend.Allocations);
        Assert.Equal(session.Compiled.Memory.PeakBytes, backend.AllocatedBytes);

        float[] images = new float[session.ImageElements];
        float[] logits = new float[session.LogitElements];
        int[] labels = [1, 4];
        Assert.Equal(0, SteadyState.AllocatedBytes(() =>
        {
            session.Step(images, labels, 0.1);
            session.ReadLogits(logits);
        }));
        Assert.Equal(1, backend.Allocations);
    }

    /// <summary>Two plans over one block of memory, and every node that an update can have.</summary>
    [Fact]
    public void AccumulatedStep()
    {
        const int Passes = 3;
        SgdOptions optimizer = new(0.9, 1e-4) { Nesterov = true, TrustCoefficient = 0.01, ClipNorm = 1, AverageDecay = 0.9 };
        using CountingBackend backend = new(new ReferenceBackend(2));
        using TrainingSession session = TrainingSession.Create(Spec, 2, 16, 16, Precision.Fp32,
            new StepOptions(optimizer, Passes: Passes), backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        Assert.Equal(1, backend.Allocations);

        float[] images = new float[session.ImageElements];
        float[] logits = new float[session.LogitElements];
        int[] labels = [1, 4, 0, 2, 3, 1];
        Assert.Equal(0, SteadyState.AllocatedBytes(() =>
        {
            session.Step(images, labels, 0.1);
            session.ReadLogits(logits);
        }));
        Assert.Equal(1, backend.Allocations);
    }

    [Fact]
    public void Inference()
    {
        using CountingBackend backend = new(new ReferenceBackend(2));
        using InferenceSession session =
            InferenceSession.Create(Spec, 2, 16, 16, Precision.Fp32, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, 1));
        Assert.Equal(1, backend.Allocations);
        Assert.Equal(session.Compiled.Memory.PeakBytes, backend.AllocatedBytes);

        float[] images = new float[session.ImageElements];
        float[] logits = new float[session.LogitElements];
        Assert.Equal(0, SteadyState.AllocatedBytes(() => session.Run(images, logits)));
        Assert.Equal(1, backend.Allocations);
    }
}
