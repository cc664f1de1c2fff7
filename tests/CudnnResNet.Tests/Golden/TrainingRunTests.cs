using CudnnResNet.Autodiff;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Golden;

/// <summary>
/// Seven steps over three batches, with each option of the recipe and of the network in turn, reproduce PyTorch's float64
/// run to 1e-9. PyTorch's own float32 runs show what rounding grows to over the seven steps: a factor of about 1e4, which
/// takes double's 1e-16 to 1e-12.
/// </summary>
public class TrainingRunTests
{
    private const double Tolerance = 1e-9;

    [Theory]
    [MemberData(nameof(TrainingRun.All), MemberType = typeof(TrainingRun))]
    public void ReferenceInDouble(string name)
    {
        TrainingRun run = TrainingRun.Load(name);
        TrainingRunResult expected = run.Float64;
        using ReferenceBackend backend = new(Environment.ProcessorCount);
        ResNetSpec spec = Spec(run.Options);
        double[] images = Images();
        int[] labels = [.. run.Labels().Select(label => (int)label)];

        SgdOptions optimizer = new(TrainingRun.Momentum, run.Options.WeightDecay, !run.Options.NoDecayBnBias);
        using TrainingSession session = TrainingSession.Create(spec, TrainingRun.Batch, TrainingRun.ImageSize, TrainingRun.ImageSize,
            Precision.Fp64, new StepOptions(optimizer, run.Options.LabelSmoothing), backend, GoldenNetwork.Untuned);
        NetworkWeights initial = InitialWeights(session.WeightValues);
        session.LoadWeights(initial);
        AssertLogits(expected.InitialLogits, Logits(spec, initial, images, backend));

        int batchElements = session.ImageElements;
        int batches = TrainingRun.Images / TrainingRun.Batch;
        ScheduleKind kind = run.Options.Schedule == "cosine" ? ScheduleKind.Cosine : ScheduleKind.Constant;
        LearningRateSchedule schedule = new(kind, run.Options.LearningRate, expected.Steps.Length);
        foreach (TrainingRunStep step in expected.Steps)
        {
            double lr = schedule.At(step.Step - 1);
            Assert.Equal(step.Lr, lr, 1e-15);
            int batch = (step.Step - 1) % batches;
            double loss = session.Step(images.AsSpan(batch * batchElements, batchElements),
                labels.AsSpan(batch * TrainingRun.Batch, TrainingRun.Batch), lr);
            AssertClose(step.Loss, loss, Math.Abs(step.Loss), $"loss of step {step.Step}");
        }

        NetworkWeights final = session.SaveWeights();
        Assert.Equal(expected.FinalNormFirstLast.Keys.Order(), final.Tensors.Keys.Order());
        foreach ((string parameter, double[] triple) in expected.FinalNormFirstLast)
        {
            double[] actual = final.Tensors[parameter].ToDoubles();
            double rms = triple[0] / Math.Sqrt(actual.Length);
            AssertClose(triple[0], GoldenNetwork.Norm(actual), triple[0], $"norm of {parameter}");
            AssertClose(triple[1], actual[0], rms, $"first of {parameter}");
            AssertClose(triple[2], actual[^1], rms, $"last of {parameter}");
        }

        AssertLogits(expected.FinalLogits, Logits(spec, final, images, backend));
    }

    private static ResNetSpec Spec(TrainingRunOptions options) => new()
    {
        Depth = TrainingRun.Depth,
        Stem = ResNetStem.Cifar,
        Classes = options.Classes,
        ConvolutionBias = options.ConvBias,
        BatchNormEpsilon = options.NormEpsilon,
        BatchNormMomentum = options.NormMomentum,
    };

    private static NetworkWeights InitialWeights(IEnumerable<Value> values) =>
        new(values.ToDictionary(value => value.Name, value =>
        {
            long[] shape = [.. NetworkWeights.FileShape(value.Shape)];
            return NamedTensor.FromDoubles(value.Name, shape, GoldenFill.Parameter(value.Name, shape, "", TrainingRun.Depth, "v1.5"));
        }), "the formula");

    /// <summary>All images, NHWC.</summary>
    private static double[] Images()
    {
        double[] nchw = TrainingRun.Input();
        double[] nhwc = new double[nchw.Length];
        const int Pixels = TrainingRun.ImageSize * TrainingRun.ImageSize;
        for (int i = 0; i < nhwc.Length; i++)
            nhwc[i] = nchw[((((i / 3 / Pixels) * 3) + (i % 3)) * Pixels) + (i / 3 % Pixels)];
        return nhwc;
    }

    private static double[] Logits(ResNetSpec spec, NetworkWeights weights, double[] images, ReferenceBackend backend)
    {
        using InferenceSession session = InferenceSession.Create(spec, TrainingRun.Batch, TrainingRun.ImageSize, TrainingRun.ImageSize,
            Precision.Fp64, backend, GoldenNetwork.Untuned);
        session.LoadWeights(weights);
        session.WriteImages(images.AsSpan(0, images.Length * TrainingRun.Batch / TrainingRun.Images));
        session.Run();
        double[] logits = new double[session.LogitElements];
        session.ReadLogits(logits);
        return logits;
    }

    private static void AssertLogits(double[][] expected, double[] actual)
    {
        double[] flat = [.. expected.SelectMany(row => row)];
        Assert.Equal(flat.Length, actual.Length);
        double largest = flat.Max(Math.Abs);
        for (int i = 0; i < flat.Length; i++)
            AssertClose(flat[i], actual[i], largest, $"logit {i}");
    }

    private static void AssertClose(double expected, double actual, double scale, string what) =>
        Assert.True(Math.Abs(actual - expected) <= Tolerance * scale, $"{what}: {actual:R} instead of {expected:R}");
}
