using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Golden;

/// <summary>Builds and runs the network of a golden case on a backend.</summary>
public static class GoldenNetwork
{
    public static readonly CompilerOptions Untuned = new() { Tune = false, PlanCacheFolder = null };

    public static ResNetSpec Spec(GoldenCase golden) => new()
    {
        Depth = golden.Depth,
        Version = golden.Version switch
        {
            "v1" => ResNetVersion.V1,
            "v1.5" => ResNetVersion.V1_5,
            _ => ResNetVersion.V2,
        },
        Stem = golden.Stem switch
        {
            "imagenet" => ResNetStem.ImageNet,
            "cifar" => ResNetStem.Cifar,
            _ => ResNetStem.NoDown,
        },
        Classes = golden.Classes,
        Width = golden.Width,
        Shortcut = golden.Padded ? ResNetShortcut.Padding : ResNetShortcut.Projection,
    };

    public static NetworkWeights Weights(GoldenCase golden, IEnumerable<Value> values) =>
        new(values.ToDictionary(value => value.Name, value =>
        {
            long[] shape = [.. NetworkWeights.FileShape(value.Shape)];
            return NamedTensor.FromDoubles(value.Name, shape, GoldenFill.Parameter(value.Name, shape, golden));
        }), golden.Name);

    /// <summary>The input batch in NHWC.</summary>
    public static double[] Images(GoldenCase golden)
    {
        double[] nchw = GoldenFill.Input(golden);
        double[] nhwc = new double[nchw.Length];
        int pixels = golden.ImageSize * golden.ImageSize;
        for (int n = 0; n < golden.Batch; n++)
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < pixels; i++)
                    nhwc[(n * pixels + i) * 3 + c] = nchw[(n * 3 + c) * pixels + i];
        return nhwc;
    }

    /// <summary>Evaluation logits [batch][classes].</summary>
    public static double[][] Logits(GoldenCase golden, IBackend backend, Precision precision, CompilerOptions options)
    {
        using InferenceSession session = InferenceSession.Create(Spec(golden), golden.Batch,
            golden.ImageSize, golden.ImageSize, precision, backend, options);
        session.LoadWeights(Weights(golden, session.ExpectedWeights));
        session.WriteImages(Images(golden));
        session.Run();
        double[] logits = new double[session.LogitElements];
        session.ReadLogits(logits);
        return [.. logits.Chunk(golden.Classes)];
    }

    /// <summary>What the case's training steps did.</summary>
    public static GoldenTraining Train(GoldenCase golden, IBackend backend, Precision precision, CompilerOptions options)
    {
        // A scale that no case overflows at: a skipped step would be compared with one that was taken.
        LossScaling? scaling = precision == Precision.Fp16 ? new LossScaling(Initial: 256) : null;
        StepOptions step = new(new SgdOptions(golden.Momentum, golden.WeightDecay) { LossScaling = scaling },
            golden.LabelSmoothing, KeepGradients: true);
        using TrainingSession session = TrainingSession.Create(Spec(golden), golden.Batch,
            golden.ImageSize, golden.ImageSize, precision, step, backend, options);
        session.LoadWeights(Weights(golden, session.WeightValues));
        int[] labels = [.. GoldenFill.Labels(golden).Select(label => (int)label)];
        double[] images = Images(golden);
        List<double> losses = [];
        Dictionary<string, double> norms = [];
        for (int i = 0; i < golden.Steps; i++)
        {
            losses.Add(session.Step(images, labels, golden.LearningRate));
            if (i == 0)
                norms = session.ReadGradients().ToDictionary(t => t.Name, t => Norm(t.ToDoubles()));
        }
        Assert.Equal(0, session.ReadSkippedSteps() ?? 0);
        Dictionary<string, double[]> final = session.SaveWeights().Tensors
            .ToDictionary(entry => entry.Key, entry => entry.Value.ToDoubles());
        return new GoldenTraining(losses, norms, final);
    }

    public static double Norm(double[] x) => Math.Sqrt(x.Sum(v => v * v));
}

/// <summary>Losses of each step, gradient norms of the first, parameters and running statistics after the last.</summary>
public sealed record GoldenTraining(
    List<double> Losses, Dictionary<string, double> GradientNorms, Dictionary<string, double[]> Final);
