using CudnnResNet.Autodiff;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>What a session is given is looked at before kernels index memory by it.</summary>
public class SessionRefusalTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 2, Classes = 3, InputChannels = 1, Stem = ResNetStem.Cifar };

    private static readonly StepOptions Step = new(new SgdOptions(0.9, 0));

    [Theory]
    [InlineData(3, 3)]
    [InlineData(3, -1)]
    [InlineData(3, int.MaxValue)]
    [InlineData(1, 2)]
    public void ALabelThatIsNoClassIsRefused(int classes, int label)
    {
        using ReferenceBackend backend = new(1);
        using TrainingSession session = TrainingSession.Create(Spec with { Classes = classes }, 2, 8, 8, Precision.Fp32, Step, backend, GoldenNetwork.Untuned);
        float[] images = new float[session.ImageElements];
        string message = Assert.Throws<ResNetException>(() => session.Step(images, [0, label], 0.1)).Message;
        Assert.Contains($"Image 1 of the batch has the label {label}", message, StringComparison.Ordinal);
        _ = Assert.Throws<ResNetException>(() => session.WriteBatch(images, [0, label], 0.1));
        Assert.True(double.IsFinite(session.Step(images, [0, Math.Max(classes, 2) - 1], 0.1)));
    }

    [Fact]
    public void ABatchOfAnotherLengthIsRefusedAndTheNextOneRuns()
    {
        using ReferenceBackend backend = new(1);
        using TrainingSession session = TrainingSession.Create(Spec, 2, 8, 8, Precision.Fp32, Step, backend, GoldenNetwork.Untuned);
        float[] images = new float[session.ImageElements];
        _ = Assert.Throws<ArgumentException>(() => session.Step(images.AsSpan(1), [0, 1], 0.1));
        _ = Assert.Throws<ArgumentException>(() => session.Step(images, [0], 0.1));
        Assert.True(double.IsFinite(session.Step(images, [0, 1], 0.1)));
    }

    [Fact]
    public void WeightsOfAnIntegerTypeLeaveTheNetworkAsItWas()
    {
        using ReferenceBackend backend = new(1);
        using TrainingSession session = TrainingSession.Create(Spec, 2, 8, 8, Precision.Fp32, Step, backend, GoldenNetwork.Untuned);
        NetworkWeights before = session.SaveWeights();
        Dictionary<string, NamedTensor> changed = before.Tensors.ToDictionary(pair => pair.Key, pair =>
            new NamedTensor(pair.Key, pair.Value.Type, pair.Value.Shape, Array.ConvertAll(pair.Value.Data.ToArray(), _ => (byte)1)));
        NamedTensor last = changed[session.WeightValues.Last().Name];
        changed[last.Name] = new NamedTensor(last.Name, DataType.Int32, last.Shape, last.Data);
        string message = Assert.Throws<ResNetException>(() => session.LoadWeights(new NetworkWeights(changed, "x"))).Message;
        Assert.Contains($"1 of an integer type ({last.Name} i32)", message, StringComparison.Ordinal);
        foreach ((string name, NamedTensor tensor) in session.SaveWeights().Tensors)
            Assert.True(tensor.Data.Span.SequenceEqual(before.Tensors[name].Data.Span), name);
    }

    [Fact]
    public void ABatchThatNoSpanHoldsIsRefusedBeforeItHasMemory()
    {
        using CountingBackend backend = new(new ReferenceBackend(1));
        const int Batch = 1 << 20;
        string message = Assert.Throws<ResNetException>(() =>
            InferenceSession.Create(Spec, Batch, 64, 64, Precision.Fp32, backend, GoldenNetwork.Untuned)).Message;
        Assert.Contains("[1048576,64,64,1] has 4,294,967,296 elements", message, StringComparison.Ordinal);
        _ = Assert.Throws<ResNetException>(() => TrainingSession.Create(Spec, Batch, 64, 64, Precision.Fp32, Step, backend, GoldenNetwork.Untuned));
        _ = Assert.Throws<ResNetException>(() => TrainingSession.Create(
            Spec, Batch / 4, 64, 64, Precision.Fp32, Step with { Passes = 2 }, backend, GoldenNetwork.Untuned));
        Assert.Equal(0, backend.Allocations);
        Assert.Equal(int.MaxValue, TensorShape.Vector(int.MaxValue).SpanLength());
    }
}
