using CudnnResNet.Graph;

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
    public static LayerGraph OfLoss(LayerGraph graph, ValueId loss) =>
        Append(graph, loss, seed: null, [.. graph.WithRole(ValueRole.Parameter).Select(value => value.Id)]);

    /// <summary>
    /// Appends the gradients for an output gradient that the host supplies: a new input named
    /// <c>{output}.grad</c>. Used on single blocks.
    /// </summary>
    /// <param name="graph">A forward graph.</param>
    /// <param name="output">The value whose gradient is given.</param>
    /// <param name="wanted">Parameters and inputs whose gradients are wanted; they become outputs of the graph.</param>
    public static LayerGraph OfOutput(LayerGraph graph, ValueId output, IReadOnlyCollection<ValueId> wanted)
    {
        GraphBuilder builder = new(graph);
        Value y = graph[output];
        ValueId seed = builder.Declare(GradientName(y.Name), y.Shape, y.Type, ValueRole.Input);
        LayerGraph backward = Append(builder.ToGraph(), output, seed, wanted);
        return backward with
        {
            Outputs = [.. backward.Outputs,
                .. wanted.Select(id => backward.Find(GradientName(graph[id].Name)).Id)],
        };
    }

    private static LayerGraph Append(
        LayerGraph graph, ValueId output, ValueId? seed, IReadOnlyCollection<ValueId> wanted)
    {
        HashSet<ValueId> differentiable = ReachableFrom(graph, wanted);
        GraphBuilder builder = new(graph);
        GradientTape tape = new(builder, differentiable);
        if (seed is { } given)
            tape.Contribute(output, given, "seed");
        foreach (Node node in graph.Nodes.Reverse())
        {
            bool isLoss = seed is null && node.Outputs.Contains(output);
            ValueId? dy = isLoss ? output : node.Outputs.Length > 0 ? tape.GradientOf(node.Outputs[0]) : null;
            if (dy is { } gradient && node.Inputs.Any(differentiable.Contains))
                GradientRules.Apply(node, gradient, tape);
        }
        return WithGradientNames(builder.ToGraph(), wanted, tape);
    }

    /// <summary>Gives the whole gradient of every wanted value the name; where it is a sum, its first part had it.</summary>
    private static LayerGraph WithGradientNames(
        LayerGraph graph, IReadOnlyCollection<ValueId> wanted, GradientTape tape)
    {
        var values = graph.Values.ToBuilder();
        foreach (ValueId id in wanted)
            if (tape.GradientOf(id) is { } gradient && graph[gradient].Name.EndsWith(".sum", StringComparison.Ordinal))
            {
                string name = GradientName(graph[id].Name);
                Value part = graph.Find(name);
                values[part.Id.Index] = part with { Name = $"{name}.part" };
                values[gradient.Index] = graph[gradient] with { Name = name };
            }
        return graph with { Values = values.ToImmutable() };
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
