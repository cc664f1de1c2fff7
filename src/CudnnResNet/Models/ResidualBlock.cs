using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Models;

/// <summary>Builds residual blocks, inside a network or alone.</summary>
public static class ResidualBlock
{
    /// <summary>
    /// A block alone: input <c>x</c> [N,H,W,InChannels] in the activation type, output <c>y</c> = <c>out.y</c>
    /// [N,P,Q,OutChannels]; parameters are named <c>conv1.weight</c>, <c>bn1.weight</c>, <c>downsample.0.weight</c> …
    /// </summary>
    public static LayerGraph Build(BlockSpec spec, int n, int h, int w, Precision precision, BuildMode mode)
    {
        GraphBuilder graph = new();
        ValueId x = graph.Declare(
            "x", TensorShape.Nhwc(n, h, w, spec.InChannels), precision.ActivationType(), ValueRole.Input);
        LayerBuilder layers = new(graph, precision, mode)
        {
            ConvolutionBias = spec.ConvolutionBias,
            BatchNormEpsilon = spec.BatchNormEpsilon,
            BatchNormMomentum = spec.BatchNormMomentum,
        };
        graph.MarkOutput(Append(layers, x, "", spec));
        return graph.ToGraph();
    }

    internal static ValueId Append(LayerBuilder layers, ValueId x, string scope, BlockSpec spec) =>
        spec.Version == ResNetVersion.V2
            ? PreActivation(layers, x, scope, spec)
            : PostActivation(layers, x, scope, spec);

    private static ValueId PostActivation(LayerBuilder layers, ValueId x, string scope, BlockSpec spec)
    {
        ConvolutionShape[] convolutions = Convolutions(spec);
        ValueId y = x;
        for (int i = 0; i < convolutions.Length; i++)
        {
            y = Convolve(layers, y, scope, i, convolutions[i]);
            y = layers.BatchNorm(y, scope, Name(scope, $"bn{i + 1}"));
            if (i < convolutions.Length - 1)
                y = layers.Relu(y, scope, Name(scope, $"relu{i + 1}"));
        }
        ValueId shortcut = x;
        if (spec.HasProjection)
        {
            shortcut = Project(layers, x, scope, spec);
            shortcut = layers.BatchNorm(shortcut, scope, Name(scope, "downsample.1"));
        }
        else if (spec.HasPadding)
        {
            shortcut = Pad(layers, x, scope, spec);
        }
        return layers.Relu(layers.Add(y, shortcut, scope, Name(scope, "add")), scope, Name(scope, "out"));
    }

    private static ValueId PreActivation(LayerBuilder layers, ValueId x, string scope, BlockSpec spec)
    {
        ConvolutionShape[] convolutions = Convolutions(spec);
        ValueId shortcut = x;
        ValueId y = x;
        for (int i = 0; i < convolutions.Length; i++)
        {
            y = layers.BatchNorm(y, scope, Name(scope, $"bn{i + 1}"));
            y = layers.Relu(y, scope, Name(scope, $"relu{i + 1}"));
            if (i == 0 && spec.HasProjection)
                shortcut = Project(layers, y, scope, spec);
            else if (i == 0 && spec.HasPadding)
                shortcut = Pad(layers, y, scope, spec);
            y = Convolve(layers, y, scope, i, convolutions[i]);
        }
        return layers.Add(y, shortcut, scope, Name(scope, "out"));
    }

    private readonly record struct ConvolutionShape(int K, int Window, int Stride);

    private static ConvolutionShape[] Convolutions(BlockSpec spec)
    {
        if (!spec.IsBottleneck)
            return [new(spec.Channels, 3, spec.Stride), new(spec.Channels, 3, 1)];
        (int first, int second) = spec.Version == ResNetVersion.V1 ? (spec.Stride, 1) : (1, spec.Stride);
        return [new(spec.Channels, 1, first), new(spec.Channels, 3, second), new(spec.OutChannels, 1, 1)];
    }

    private static ValueId Convolve(LayerBuilder layers, ValueId x, string scope, int index, ConvolutionShape shape) =>
        layers.Convolution(x, scope, Name(scope, $"conv{index + 1}"), shape.K, shape.Window, shape.Stride);

    private static ValueId Project(LayerBuilder layers, ValueId x, string scope, BlockSpec spec) =>
        layers.Convolution(x, scope, Name(scope, "downsample.0"), spec.OutChannels, window: 1, spec.Stride);

    private static ValueId Pad(LayerBuilder layers, ValueId x, string scope, BlockSpec spec) =>
        layers.Subsample(x, scope, Name(scope, "shortcut"), spec.OutChannels, spec.Stride);

    private static string Name(string scope, string layer) => scope.Length == 0 ? layer : $"{scope}.{layer}";
}
