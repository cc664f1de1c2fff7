using System.Collections.Immutable;

namespace CudnnResNet.Graph;

/// <summary>
/// An immutable list of nodes in an order of execution, over values that each have at most one producer.
/// <paramref name="Outputs"/> are the intermediates that the host reads after a run.
/// </summary>
public sealed record LayerGraph(
    ImmutableArray<Value> Values, ImmutableArray<Node> Nodes, ImmutableArray<ValueId> Outputs)
{
    public Value this[ValueId id] => Values[id.Index];

    public Value Find(string name)
    {
        foreach (Value value in Values)
            if (value.Name == name)
                return value;
        throw new KeyNotFoundException($"The graph has no value named '{name}'.");
    }

    public IEnumerable<Value> WithRole(ValueRole role)
    {
        foreach (Value value in Values)
            if (value.Role == role)
                yield return value;
    }
}
