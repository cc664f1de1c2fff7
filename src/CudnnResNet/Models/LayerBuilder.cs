using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Models;

/// <summary>Which batch norm a network is built with.</summary>
public enum BuildMode
{
    /// <summary>Batch statistics, and what the backward pass needs.</summary>
    Training,

    /// <summary>Running statistics.</summary>
    Inference,
}

/// <summary>The layers that ResNets consist of, with their parameters under torchvision's names.</summary>
internal sealed class LayerBuilder(GraphBuilder graph, Precision precision, BuildMode mode)
{
    private readonly DataType _parameterType = precision.ParameterType();

    public bool ConvolutionBias { get; init; }
    public double BatchNormEpsilon { get; init; } = 1e-5;
    public double BatchNormMomentum { get; init; } = 0.1;

    /// <summary>In training too, normalise by the running statistics, and leave them as they are.</summary>
    public bool FrozenBatchNorm { get; init; }

    public ValueId Convolution(ValueId x, string scope, string name, int k, int window, int stride)
    {
        TensorShape shape = graph[x].Shape;
        ConvolutionGeometry geometry = new(shape.H, shape.W, shape.C, k, window, window, stride, window / 2);
        ValueId w = Parameter($"{name}.weight", TensorShape.Krsc(k, window, window, shape.C));
        return ConvolutionBias
            ? graph.Apply(new ConvolutionForward(geometry),
                [x, w, Parameter($"{name}.bias", TensorShape.Vector(k))], scope, $"{name}.y")[0]
            : graph.Apply(new ConvolutionForward(geometry), [x, w], scope, $"{name}.y")[0];
    }

    /// <exception cref="ResNetException">Training with a single value per channel, whose variance does not exist.</exception>
    public ValueId BatchNorm(ValueId x, string scope, string name)
    {
        TensorShape shape = graph[x].Shape;
        TensorShape vector = TensorShape.Vector(shape.C);
        ValueId gamma = Parameter($"{name}.weight", vector);
        ValueId beta = Parameter($"{name}.bias", vector);
        ValueId mean = graph.Declare($"{name}.running_mean", vector, _parameterType, ValueRole.State);
        ValueId variance = graph.Declare($"{name}.running_var", vector, _parameterType, ValueRole.State);
        if (mode == BuildMode.Inference || FrozenBatchNorm)
            return graph.Apply(new BatchNormInference(BatchNormEpsilon),
                [x, gamma, beta, mean, variance], scope, $"{name}.y")[0];
        if (shape.Elements / shape.C == 1)
            throw new ResNetException($"{name} would normalise a single value per channel (input {shape}); "
                + "its variance does not exist. Train with a larger batch or larger images.");
        return graph.Apply(new BatchNormTraining(BatchNormEpsilon, BatchNormMomentum),
            [x, gamma, beta, mean, variance], scope, $"{name}.y", $"{name}.mean", $"{name}.inverse_deviation")[0];
    }

    public ValueId Relu(ValueId x, string scope, string name) =>
        graph.Apply(new Relu(), [x], scope, $"{name}.y")[0];

    public ValueId Add(ValueId a, ValueId b, string scope, string name) =>
        graph.Apply(new Add(), [a, b], scope, $"{name}.y")[0];

    public ValueId MaxPool(ValueId x, string scope, int stride)
    {
        TensorShape shape = graph[x].Shape;
        MaxPool pool = new(new PoolGeometry(shape.H, shape.W, shape.C, Window: 3, stride, Padding: 1));
        return mode == BuildMode.Training
            ? graph.Apply(pool, [x], scope, "maxpool.y", "maxpool.argmax")[0]
            : graph.Apply(pool, [x], scope, "maxpool.y")[0];
    }

    public ValueId Classifier(ValueId x, int classes)
    {
        ValueId pooled = graph.Apply(new GlobalAveragePool(), [x], "fc", "avgpool.y")[0];
        int features = graph[pooled].Shape.C;
        return graph.Apply(new Linear(features, classes),
            [pooled, Parameter("fc.weight", TensorShape.Matrix(classes, features)),
                Parameter("fc.bias", TensorShape.Vector(classes))], "fc", "logits")[0];
    }

    private ValueId Parameter(string name, TensorShape shape) =>
        graph.Declare(name, shape, _parameterType, ValueRole.Parameter);
}
