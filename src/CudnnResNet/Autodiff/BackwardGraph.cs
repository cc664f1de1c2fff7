using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Autodiff;

/// <summary>
/// Appends the reverse-mode derivative to a graph, and the parameter updates. Every node's rule is one row of
/// <see cref="GradientRules"/>; a value read by several nodes sums their gradients.
/// </summary>
public static class BackwardGraph
{
    /// <summary>The gradient of a parameter is named so.</summary>
    public static string GradientName(string parameter) => $"{parameter}.grad";

    /// <summary>
    /// Appends the gradients of the node that computes <paramref name="loss"/> with respect to every parameter.
    /// </summary>
    /// <param name="graph">A training graph.</param>
    /// <param name="loss">Its loss.</param>
    public static LayerGraph OfLoss(LayerGraph graph, ValueId loss) => OfLoss(graph, loss, [.. graph.WithRole(ValueRole.Parameter)]);

    /// <summary>As <see cref="OfLoss(LayerGraph, ValueId)"/>, with respect to some parameters alone.</summary>
    /// <param name="graph">A training graph.</param>
    /// <param name="loss">Its loss.</param>
    /// <param name="parameters">Whose gradients are wanted.</param>
    /// <param name="isScaled">All gradients are multiplied by a new state, <see cref="LossScaling.Scale"/>.</param>
    /// <param name="recomputesMasks">A ReLU behind a batch norm is undone by that norm, not by its own result.</param>
    public static LayerGraph OfLoss(LayerGraph graph, ValueId loss, IReadOnlyList<Value> parameters,
        bool isScaled = false, bool recomputesMasks = false) =>
        Append(graph, loss, seed: null, [.. parameters.Select(value => value.Id)], isScaled, recomputesMasks).Graph;

    /// <summary>
    /// Appends the gradients for an output gradient that the host supplies: a new input named
    /// <c>{output}.grad</c>. Used on single blocks.
    /// </summary>
    /// <param name="graph">A forward graph.</param>
    /// <param name="output">The value whose gradient is given.</param>
    /// <param name="wanted">Parameters and inputs whose gradients are wanted.</param>
    /// <returns>The graph, with the wanted gradients as its last outputs, in the order of <paramref name="wanted"/>.</returns>
    public static LayerGraph OfOutput(LayerGraph graph, ValueId output, IReadOnlyCollection<ValueId> wanted)
    {
        GraphBuilder builder = new(graph);
        Value y = graph[output];
        ValueId seed = builder.Declare(GradientName(y.Name), y.Shape, y.Type, ValueRole.Input);
        (LayerGraph backward, GradientTape tape) = Append(builder.ToGraph(), output, seed, wanted);
        return backward with { Outputs = [.. backward.Outputs, .. wanted.Select(id => tape.GradientOf(id)!.Value)] };
    }

    private static (LayerGraph Graph, GradientTape Tape) Append(
        LayerGraph graph, ValueId output, ValueId? seed, IReadOnlyCollection<ValueId> wanted,
        bool isScaled = false, bool recomputesMasks = false)
    {
        HashSet<ValueId> differentiable = ReachableFrom(graph, wanted);
        GraphBuilder builder = new(graph);
        ValueId? scale = isScaled
            ? builder.Declare(LossScaling.Scale, TensorShape.Scalar, graph[output].Type, ValueRole.State)
            : null;
        GradientTape tape = new(builder, differentiable)
        {
            LossScale = scale,
            Norms = graph.Nodes.Where(node => recomputesMasks && node.Operation is BatchNormTraining)
                .ToDictionary(node => node.Outputs[0]),
        };
        if (seed is { } given)
            tape.Contribute(output, given, "seed");
        foreach (Node node in graph.Nodes.Reverse())
        {
            bool isLoss = seed is null && node.Outputs.Contains(output);
            ValueId? dy = isLoss ? output : node.Outputs.Length > 0 ? tape.GradientOf(node.Outputs[0]) : null;
            if (dy is { } gradient && node.Inputs.Any(differentiable.Contains))
                GradientRules.Apply(node, gradient, tape);
        }
        return (builder.ToGraph(), tape);
    }

    private static HashSet<ValueId> ReachableFrom(LayerGraph graph, IReadOnlyCollection<ValueId> sources)
    {
        HashSet<ValueId> reached = [.. sources];
        foreach (Node node in graph.Nodes)
            if (node.Inputs.Any(reached.Contains))
                reached.UnionWith(node.Outputs);
        return reached;
    }
}
