using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Models;

/// <summary>Builds the forward graph of a network, with its loss where it is to be trained.</summary>
public static class ResNetGraph
{
    public const string Images = "images";
    public const string Labels = "labels";
    public const string Logits = "logits";
    public const string Loss = "loss";

    /// <summary>Elements of a layer that no machine holds; sums of a few of them still fit 64 bits.</summary>
    private const double MostElements = 1e15;

    /// <summary>
    /// Input <c>images</c> [N,H,W,InputChannels] in the parameter type, output <c>logits</c> [N,Classes].
    /// </summary>
    public static LayerGraph Inference(ResNetSpec spec, int batch, int height, int width, Precision precision)
    {
        GraphBuilder graph = new();
        graph.MarkOutput(Network(graph, spec, batch, height, width, precision, BuildMode.Inference));
        return graph.ToGraph();
    }

    /// <summary>As <see cref="Inference"/> with batch statistics, an input <c>labels</c> [N] (i32) and an output <c>loss</c>; frozen batch norms take the running statistics instead.</summary>
    public static LayerGraph Training(
        ResNetSpec spec, int batch, int height, int width, Precision precision, double labelSmoothing, bool frozenBatchNorm = false)
    {
        GraphBuilder graph = new();
        ValueId logits = Network(graph, spec, batch, height, width, precision, BuildMode.Training, frozenBatchNorm);
        ValueId labels = graph.Declare(Labels, TensorShape.Vector(batch), DataType.Int32, ValueRole.Input);
        Operation criterion = spec.Classes == 1
            ? new SigmoidCrossEntropy(labelSmoothing)
            : new SoftmaxCrossEntropy(labelSmoothing);
        graph.MarkOutput(logits);
        graph.MarkOutput(graph.Apply(criterion, [logits, labels], "loss", Loss)[0]);
        return graph.ToGraph();
    }

    private static ValueId Network(
        GraphBuilder graph, ResNetSpec spec, int batch, int height, int width, Precision precision, BuildMode mode,
        bool frozenBatchNorm = false)
    {
        spec.Validate();
        if (batch < 1 || height < 1 || width < 1)
            throw new ResNetException($"A batch of {batch} images of {height} x {width} is empty; give positive numbers.");
        if ((double)batch * height * width * Math.Max(4 * spec.Width, spec.InputChannels) > MostElements)
            throw new ResNetException($"A batch of {batch} images of {height} x {width} is more than any memory holds; give smaller ones or fewer.");
        LayerBuilder layers = new(graph, precision, mode)
        {
            ConvolutionBias = spec.ConvolutionBias,
            BatchNormEpsilon = spec.BatchNormEpsilon,
            BatchNormMomentum = spec.BatchNormMomentum,
            FrozenBatchNorm = frozenBatchNorm,
        };
        ValueId x = graph.Declare(Images, TensorShape.Nhwc(batch, height, width, spec.InputChannels),
            precision.ParameterType(), ValueRole.Input);
        if (graph[x].Type != precision.ActivationType())
            x = graph.Apply(new Cast(precision.ActivationType()), [x], "stem", "images.cast")[0];
        x = Stem(layers, x, spec);
        int channels = spec.Width;
        for (int stage = 0; stage < spec.Stages; stage++)
            for (int block = 0; block < spec.BlocksPerStage[stage]; block++)
            {
                BlockSpec description = new(spec.Version, spec.IsBottleneck, channels, spec.Width << stage,
                    Stride: stage > 0 && block == 0 ? 2 : 1)
                {
                    Shortcut = spec.Shortcut,
                };
                x = ResidualBlock.Append(layers, x, $"layer{stage + 1}.{block}", description);
                channels = description.OutChannels;
            }
        if (spec.Version == ResNetVersion.V2)
            x = layers.Relu(layers.BatchNorm(x, "norm", "norm"), "norm", "norm.relu");
        return layers.Classifier(x, spec.Classes);
    }

    private static ValueId Stem(LayerBuilder layers, ValueId x, ResNetSpec spec)
    {
        int stride = spec.Stem == ResNetStem.ImageNet ? 2 : 1;
        x = spec.Stem == ResNetStem.Cifar
            ? layers.Convolution(x, "stem", "conv1", spec.Width, window: 3, stride: 1)
            : layers.Convolution(x, "stem", "conv1", spec.Width, window: 7, stride);
        if (spec.Version != ResNetVersion.V2)
            x = layers.Relu(layers.BatchNorm(x, "stem", "bn1"), "stem", "relu");
        return spec.Stem == ResNetStem.Cifar ? x : layers.MaxPool(x, "stem", stride);
    }
}
