using CudnnResNet.Autodiff;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.OneDnn;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>Several passes of a small batch are one pass of a large one, where no layer looks across the batch.</summary>
public class AccumulationTests
{
    private const int Batch = 4;
    private const int Passes = 3;
    private const int Steps = 5;
    private const int Size = 8;
    private const int Classes = 5;

    /// <summary>The update rule does not matter, as long as the gradients agree.</summary>
    private static readonly SgdOptions Optimizer = new(0.9, 1e-3)
    {
        Nesterov = true,
        TrustCoefficient = 0.05,
        ClipNorm = 0.5,
        AverageDecay = 0.9,
    };

    /// <summary>Sums of a few thousand terms in another order, five steps long: a few times sqrt(1e3) 1.1e-16.</summary>
    [Fact]
    public void EqualsTheLargeBatchInDouble() => RequireEqual("reference", Precision.Fp64, 1e-13);

    /// <summary>The same with float32's 6e-8.</summary>
    [OneDnnFact]
    public void EqualsTheLargeBatchInFloat32() => RequireEqual("onednn", Precision.Fp32, 5e-5);

    /// <summary>Batch norm sees four images where the large batch shows it twelve: what is equal above is not equal here.</summary>
    [Fact]
    public void BatchNormTellsTheBatchesApart()
    {
        ResNetSpec spec = new() { Depth = 18, Width = 4, Classes = Classes, Stem = ResNetStem.Cifar };
        using IBackend backend = TestBackends.Create("reference");
        LayerGraph Forward(int batch) => ResNetGraph.Training(spec, batch, Size, Size, Precision.Fp64, 0);
        (double[] large, _) = Train(Forward(Passes * Batch), passes: 1, backend);
        (double[] small, _) = Train(Forward(Batch), Passes, backend);
        Assert.True(Math.Abs(large[0] / small[0] - 1) > 1e-6);
    }

    [Fact]
    public void ReadingAccumulatedGradientsIsRefused()
    {
        using IBackend backend = TestBackends.Create("reference");
        ResNetException error = Assert.Throws<ResNetException>(() => TrainingSession.Create(new ResNetSpec { Depth = 18 },
            Plain(Batch, Precision.Fp32), new StepOptions(Optimizer, KeepGradients: true, Passes: 2), backend, GoldenNetwork.Untuned));
        Assert.Contains("leave out the accumulation", error.Message, StringComparison.Ordinal);
    }

    private static void RequireEqual(string backendName, Precision precision, double tolerance)
    {
        using IBackend backend = TestBackends.Create(backendName);
        (double[] losses, Dictionary<string, double[]> weights) = Train(Plain(Passes * Batch, precision), passes: 1, backend);
        (double[] accumulated, Dictionary<string, double[]> same) = Train(Plain(Batch, precision), Passes, backend);
        for (int i = 0; i < Steps; i++)
            Assert.True(Math.Abs(losses[i] - accumulated[i]) <= tolerance * losses[i], $"loss {i}: {accumulated[i]:R}, not {losses[i]:R}");
        Assert.True(losses[^1] < losses[0]);
        foreach ((string name, double[] expected) in weights)
        {
            double scale = GoldenNetwork.Norm(expected) / Math.Sqrt(expected.Length);
            for (int i = 0; i < expected.Length; i++)
                Assert.True(Math.Abs(expected[i] - same[name][i]) <= tolerance * scale, $"{name}[{i}]: {same[name][i]:R}, not {expected[i]:R}");
        }
    }

    /// <summary>Losses, then weights and their averages.</summary>
    private static (double[] Losses, Dictionary<string, double[]> Weights) Train(LayerGraph forward, int passes, IBackend backend)
    {
        using TrainingSession session = TrainingSession.Create(
            new ResNetSpec { Depth = 18, Classes = Classes }, forward, new StepOptions(Optimizer, Passes: passes), backend, GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        Assert.Equal(Passes * Batch, session.Batch);
        double[] images = GoldenFill.Input("accumulation", session.ImageElements);
        int[] labels = [.. Enumerable.Range(0, session.Batch).Select(i => i % Classes)];
        double[] losses = [.. Enumerable.Range(0, Steps).Select(_ => session.Step(images, labels, 0.5))];
        Dictionary<string, double[]> weights = session.SaveWeights().Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToDoubles());
        foreach ((string name, NamedTensor tensor) in session.SaveAverage()!.Tensors)
            weights.Add($"average of {name}", tensor.ToDoubles());
        float[] logits = new float[session.LogitElements];
        session.ReadLogits(logits);
        weights.Add("logits", Array.ConvertAll(logits, logit => (double)logit));
        return (losses, weights);
    }

    /// <summary>Two convolutions and a classifier: no batch statistics.</summary>
    private static LayerGraph Plain(int batch, Precision precision)
    {
        GraphBuilder graph = new();
        DataType type = precision.ParameterType();
        ValueId x = graph.Declare(ResNetGraph.Images, TensorShape.Nhwc(batch, Size, Size, 3), type, ValueRole.Input);
        ValueId labels = graph.Declare(ResNetGraph.Labels, TensorShape.Vector(batch), DataType.Int32, ValueRole.Input);
        ValueId Parameter(string name, TensorShape shape) => graph.Declare(name, shape, type, ValueRole.Parameter);
        x = graph.Apply(new ConvolutionForward(new(Size, Size, 3, 16, 3, 3, 1, 1)),
            [x, Parameter("conv1.weight", TensorShape.Krsc(16, 3, 3, 3)), Parameter("conv1.bias", TensorShape.Vector(16))], "1", "conv1.y")[0];
        x = graph.Apply(new Relu(), [x], "1", "relu1.y")[0];
        x = graph.Apply(new ConvolutionForward(new(Size, Size, 16, 32, 3, 3, 2, 1)),
            [x, Parameter("conv2.weight", TensorShape.Krsc(32, 3, 3, 16))], "2", "conv2.y")[0];
        x = graph.Apply(new Relu(), [x], "2", "relu2.y")[0];
        x = graph.Apply(new GlobalAveragePool(), [x], "fc", "pool.y")[0];
        x = graph.Apply(new Linear(32, Classes),
            [x, Parameter("fc.weight", TensorShape.Matrix(Classes, 32)), Parameter("fc.bias", TensorShape.Vector(Classes))], "fc", ResNetGraph.Logits)[0];
        graph.MarkOutput(x);
        graph.MarkOutput(graph.Apply(new SoftmaxCrossEntropy(0), [x, labels], "loss", ResNetGraph.Loss)[0]);
        return graph.ToGraph();
    }
}
