using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Models;

/// <summary>One layer of a network.</summary>
/// <param name="Name">As in torchvision where it has parameters: <c>layer1.0.conv1</c>.</param>
/// <param name="Kind">The operation: <c>convolution 3x3 stride 2</c>.</param>
/// <param name="Output">NHWC, or [N,K] of the classifier.</param>
/// <param name="Parameters">Trainable elements.</param>
/// <param name="MultiplyAdds">Of one image; convolutions and the classifier only, as usually counted.</param>
public sealed record LayerSummary(string Name, string Kind, TensorShape Output, long Parameters, long MultiplyAdds);

/// <summary>The layers of a network with their sizes, in the order in which they run.</summary>
public sealed record NetworkSummary(ImmutableArray<LayerSummary> Layers)
{
    public long Parameters { get; } = Layers.Sum(layer => layer.Parameters);

    /// <summary>Of one image.</summary>
    public long MultiplyAdds { get; } = Layers.Sum(layer => layer.MultiplyAdds);

    /// <exception cref="ResNetException">The network cannot be built.</exception>
    public static NetworkSummary Of(ResNetSpec spec, int batch, int height, int width)
    {
        LayerGraph graph = ResNetGraph.Inference(spec, batch, height, width, Precision.Fp32);
        return new NetworkSummary([.. graph.Nodes.Select(node => Summarise(graph, node))]);
    }

    private static LayerSummary Summarise(LayerGraph graph, Node node)
    {
        const string Result = ".y";
        Value output = graph[node.Outputs[0]];
        string name = output.Name.EndsWith(Result, StringComparison.Ordinal) ? output.Name[..^Result.Length] : node.Scope;
        long parameters = node.Inputs.Where(id => graph[id].Role == ValueRole.Parameter).Sum(id => graph[id].Shape.Elements);
        return new LayerSummary(name, KindOf(node.Operation), output.Shape, parameters, MultiplyAddsOf(node.Operation));
    }

    private static string KindOf(Operation operation) => operation switch
    {
        ConvolutionForward { Geometry: var g } => $"convolution {g.R}x{g.S}{(g.Stride > 1 ? $" stride {g.Stride}" : "")}",
        BatchNormInference => "batch norm",
        Relu => "ReLU",
        Add => "add",
        MaxPool { Geometry: var g } => $"max pool {g.Window}x{g.Window}{(g.Stride > 1 ? $" stride {g.Stride}" : "")}",
        Subsample { Geometry: var g } => $"every {g.Stride}. pixel, {g.K - g.C} zero channels",
        GlobalAveragePool => "average pool",
        Linear => "linear",
        _ => throw new InvalidOperationException($"A network for inference has no {operation}."),
    };

    private static long MultiplyAddsOf(Operation operation) => operation switch
    {
        ConvolutionForward convolution => convolution.Geometry.MultiplyAdds,
        Linear linear => (long)linear.InFeatures * linear.OutFeatures,
        _ => 0,
    };
}
