using CudnnResNet.Cuda;
using CudnnResNet.Data;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Training;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>Images cross the bus as bytes and are normalised on the device, in training and in evaluation alike.</summary>
[Collection("simulated GPU")]
public sealed class ByteInputTests
{
    private static readonly Normalization Grey = new([0.45f], [0.22f]);

    /// <summary>The same batches, normalised by the CPU: inputs differ in the last bit, and steps multiply that.</summary>
    [CudaTheory]
    [InlineData(Precision.Fp32, 1, 1e-5)]
    [InlineData(Precision.Fp32, 2, 1e-5)]
    [InlineData(Precision.Bf16, 1, 1e-2)]
    public void TrainsAsOnFloats(Precision precision, int passes, double tolerance)
    {
        TrainingOptions options = SmallTraining.Options(null, precision) with { Normalization = Grey, Accumulate = passes, Batch = 4 / passes };
        using CudaBackend backend = DeviceUnderTest.Create();
        RunTrace bytes = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 4);
        // Erasing with a probability that never comes true keeps floats, and draws nothing else.
        RunTrace floats = SmallTraining.Run(options with { Augmentation = options.Augmentation with { Erasing = 1e-12 } },
            backend, GoldenNetwork.Untuned, stopAfter: 4);
        Assert.Equal(floats.Steps.Select(step => (step.Step, step.Epoch)), bytes.Steps.Select(step => (step.Step, step.Epoch)));
        foreach ((StepRecord a, StepRecord b) in floats.Steps.Zip(bytes.Steps))
            Assert.True(Math.Abs(a.Loss - b.Loss) <= tolerance * Math.Abs(a.Loss), $"step {a.Step}: {b.Loss:R} instead of {a.Loss:R}");
    }

    [CudaFact]
    public void EvaluatesAsOnFloats()
    {
        ByteImageSet data = SmallTraining.Data();
        using CudaBackend backend = DeviceUnderTest.Create();
        using InferenceSession session = InferenceSession.Create(SmallTraining.Options(null).Spec, 8, 12, 12, Precision.Fp32, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 3));
        // Twice with different normalisations, one after the other.
        foreach (Normalization normalization in (Normalization[])[Grey, Normalization.None])
        {
            Evaluation evaluation = Evaluator.Evaluate(session, data, normalization);
            float[] logits = new float[session.LogitElements];
            EvaluationBatches floats = new(data, 8, normalization);
            List<double> expected = [];
            for (int batch = 0; batch < floats.BatchCount; batch++)
            {
                Batch images = floats.Read(batch);
                session.Run(images.Images, logits);
                for (int i = 0; i < images.Count; i++)
                    expected.Add(Classification.Of(logits.AsSpan(3 * i, 3), images.Labels[i]).Loss);
            }
            Assert.Equal(expected, evaluation.Predictions.Select(prediction => prediction.Loss), (a, b) => Math.Abs(a - b) <= 1e-5 * Math.Max(1, Math.Abs(a)));
        }
    }

    /// <summary>A byte for each value of an image, four for a label, and some for the learning rate.</summary>
    [SimulatorFact]
    public void OnlyBytesCrossTheBus()
    {
        const int Images = 8, Pixels = 32 * 32 * 3;
        Simulator.Script("reset");
        byte[] pixels = new byte[Images * Pixels];
        new Random(1).NextBytes(pixels);
        ByteImageSet data = new("noise", pixels, (32, 32, 3), new int[Images], ["a", "b"]);
        using CudaBackend backend = DeviceUnderTest.Create();
        ResNetSpec spec = new() { Depth = 18, Width = 8, Classes = 2, Stem = ResNetStem.ImageNet };
        using InferenceSession session = InferenceSession.Create(spec, Images, 32, 32, Precision.Fp32, backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.ExpectedWeights, seed: 3));
        _ = Evaluator.Evaluate(session, data, Normalization.ImageNet);
        Simulator.Clear();
        _ = Evaluator.Evaluate(session, data, Normalization.ImageNet);
        Assert.Equal(Images * Pixels, Simulator.Query("bytes.to_device"));
        Assert.Empty(Simulator.Complaints());
    }

    [SimulatorFact]
    public void NothingIsLeftBehind()
    {
        Simulator.Script("reset");
        using (CudaBackend backend = DeviceUnderTest.Create())
            _ = SmallTraining.Run(SmallTraining.Options(null), backend, GoldenNetwork.Untuned, stopAfter: 2);
        Assert.Equal("", Simulator.Live());
    }
}
