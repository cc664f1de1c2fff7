using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Cuda;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A hundred steps of a small network in each precision, from the same weights over the same images.</summary>
[Collection("simulated GPU")]
public sealed class PrecisionTests
{
    private const int Steps = 100;
    private const int Window = 20;
    private const int Batch = 16;
    private const int Size = 8;
    private const int Classes = 4;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = Classes, Stem = ResNetStem.Cifar };

    private static readonly Lazy<double[]> Float32 = new(() => Train(Precision.Fp32).Losses);

    /// <summary>
    /// Single losses of a low precision wander with its rounding; means over some steps do not. An activation rounds by
    /// 2^-9 (bf16) or 2^-12 (fp16) at each of twenty layers, of either sign: some 2^-7 and 2^-10 of a logit, which moves a
    /// mean loss by less than a twentieth of its first value. Gradients that vanish or overflow would stop the fall.
    /// </summary>
    [CudaTheory]
    [InlineData(Precision.Bf16)]
    [InlineData(Precision.Fp16)]
    public void LossesFollowFloat32(Precision precision)
    {
        double[] expected = Float32.Value;
        (double[] losses, long? skipped) = Train(precision);
        Assert.True(Mean(expected, Steps - Window) < expected[0] / 3, "float32 learned nothing");
        for (int begin = 0; begin < Steps; begin += Window)
            Assert.Equal(Mean(expected, begin), Mean(losses, begin), expected[0] / 20);
        if (precision == Precision.Fp16)
            Assert.InRange(skipped!.Value, 0, 5);
    }

    /// <summary>A scale that no gradient bears is lowered until one is borne; the weights stay finite all the while.</summary>
    [CudaFact]
    public void AnOverflowSkipsTheStep()
    {
        using CudaBackend backend = DeviceUnderTest.Create();
        using TrainingSession session = Create(backend, Precision.Fp16, new LossScaling(Math.ScaleB(1, 40), Backoff: Math.ScaleB(1, -8)));
        double[] before = session.SaveWeights().Tensors["conv1.weight"].ToDoubles();
        (float[] images, int[] labels) = Data(0);
        int step = 0;
        for (; session.ReadSkippedSteps() == step && step < 6; step++)
        {
            Assert.Equal(before, session.SaveWeights().Tensors["conv1.weight"].ToDoubles());
            session.Step(images, labels, 0.05);
        }
        Assert.InRange(step, 2, 5);
        Assert.All(session.SaveWeights().Tensors.Values.SelectMany(tensor => tensor.ToDoubles()), x => Assert.True(double.IsFinite(x)));
        Assert.NotEqual(before, session.SaveWeights().Tensors["conv1.weight"].ToDoubles());
    }

    /// <summary>A step, its copies and the reading of its loss, replayed as a graph or kernel by kernel.</summary>
    [CudaTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void AStepAllocatesNothing(bool recordsGraphs)
    {
        using CudaBackend backend = DeviceUnderTest.Create(recordsGraphs: recordsGraphs);
        using TrainingSession session = Create(backend, Precision.Fp16, scaling: null);
        (float[] images, int[] labels) = Data(0);
        float[] logits = new float[session.LogitElements];
        Assert.Equal(0, SteadyState.AllocatedBytes(() =>
        {
            session.Step(images, labels, 0.05);
            session.ReadLogits(logits);
        }));
        Assert.Null(backend.RecordingRefusal);
    }

    [CudaFact]
    public void PrecisionsThatABackendWasNotMadeForAreRefused()
    {
        using CudaBackend strict = DeviceUnderTest.Create(), loose = DeviceUnderTest.Create(allowTf32: true);
        Assert.Contains("without tf32", strict.Supports(Precision.Tf32).Refusal, StringComparison.Ordinal);
        Assert.Contains("made for tf32", loose.Supports(Precision.Fp32).Refusal, StringComparison.Ordinal);
        Assert.NotNull(strict.Supports(Precision.Fp64).Refusal);
        Assert.NotEqual(strict.Identity, loose.Identity);
    }

    private static (double[] Losses, long? Skipped) Train(Precision precision)
    {
        using CudaBackend backend = DeviceUnderTest.Create(allowTf32: precision == Precision.Tf32);
        using TrainingSession session = Create(backend, precision, scaling: null);
        double[] losses = new double[Steps];
        for (int step = 0; step < Steps; step++)
        {
            (float[] images, int[] labels) = Data(step);
            losses[step] = session.Step(images, labels, 0.005);
        }
        return (losses, session.ReadSkippedSteps());
    }

    private static TrainingSession Create(IBackend backend, Precision precision, LossScaling? scaling)
    {
        Assert.Null(backend.Supports(precision).Refusal);
        StepOptions step = new(new SgdOptions(0.9, 1e-4) { LossScaling = scaling, AverageDecay = 0.99 });
        TrainingSession session = TrainingSession.Create(
            Spec, Batch, Size, Size, precision, step, backend, new CompilerOptions { Tune = false, PlanCacheFolder = null });
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 1, zeroInitLastBatchNorm: false));
        return session;
    }

    /// <summary>A wave of one direction a class, in noise.</summary>
    private static (float[] Images, int[] Labels) Data(int seed)
    {
        Random random = new(seed);
        int[] labels = [.. Enumerable.Range(0, Batch).Select(_ => random.Next(Classes))];
        float[] images = new float[Batch * Size * Size * 3];
        for (int i = 0; i < images.Length; i++)
        {
            (int pixel, int image) = (i / 3 % (Size * Size), i / 3 / (Size * Size));
            double angle = Math.PI * labels[image] / Classes;
            double phase = (pixel / Size * Math.Cos(angle) + pixel % Size * Math.Sin(angle)) * 1.5;
            images[i] = (float)(Math.Sin(phase) + 1.5 * (random.NextDouble() - 0.5));
        }
        return (images, labels);
    }

    private static double Mean(double[] losses, int begin) => losses.AsSpan(begin, Window).ToArray().Average();
}
