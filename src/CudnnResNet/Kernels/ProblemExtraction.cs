using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Kernels;

/// <summary>A problem cut out of a graph, and which value of the graph each value of the problem stands for.</summary>
/// <param name="Problem">The problem, with values of its own.</param>
/// <param name="GraphValues">Indexed by the problem's value ids.</param>
public sealed record BoundProblem(Problem Problem, ImmutableArray<ValueId> GraphValues)
{
    public ValueId this[ValueId local] => GraphValues[local.Index];
}

public static class ProblemExtraction
{
    /// <summary>Cuts a chain of nodes out of <paramref name="graph"/>.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="chain">Nodes that feed each other through their chain inputs, in order.</param>
    /// <param name="isNeeded">
    /// Whether a value made by the chain is read outside it; results that nobody else reads stay inside the kernel.
    /// Second results (saved statistics, masks) and the last node's are always written.
    /// </param>
    /// <param name="constantWeights">See <see cref="Problem.ConstantWeights"/>.</param>
    public static BoundProblem Extract(
        LayerGraph graph, ReadOnlySpan<Node> chain, Func<ValueId, bool> isNeeded, bool constantWeights)
    {
        ImmutableArray<Value>.Builder values = ImmutableArray.CreateBuilder<Value>();
        ImmutableArray<ValueId>.Builder origin = ImmutableArray.CreateBuilder<ValueId>();
        ImmutableArray<ValueId>.Builder outputs = ImmutableArray.CreateBuilder<ValueId>();
        ImmutableArray<Node>.Builder nodes = ImmutableArray.CreateBuilder<Node>(chain.Length);
        Dictionary<ValueId, ValueId> local = [];

        ValueId Local(ValueId id, bool isOutput)
        {
            if (local.TryGetValue(id, out ValueId known))
                return known;
            ValueId next = new(values.Count);
            Value value = graph[id];
            values.Add(value with
            {
                Id = next,
                Name = $"v{next.Index}",
                Role = isOutput ? ValueRole.Intermediate : ValueRole.Input,
            });
            origin.Add(id);
            local.Add(id, next);
            return next;
        }

        for (int i = 0; i < chain.Length; i++)
        {
            Node node = chain[i];
            ImmutableArray<ValueId> inputs = [.. node.Inputs.Select(id => Local(id, isOutput: false))];
            ImmutableArray<ValueId> made = [.. node.Outputs.Select(id => Local(id, isOutput: true))];
            for (int slot = 0; slot < made.Length; slot++)
                if (slot > 0 || i == chain.Length - 1 || isNeeded(node.Outputs[slot]))
                    outputs.Add(made[slot]);
            nodes.Add(node with { Inputs = inputs, Outputs = made });
        }
        bool hasWeights = constantWeights && nodes.Any(node => node.Operation is ConvolutionForward or Linear);
        return new BoundProblem(
            new Problem(values.ToImmutable(), nodes.ToImmutable(), outputs.ToImmutable(), hasWeights),
            origin.ToImmutable());
    }
}
