using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Kernels;

/// <summary>
/// What one kernel is asked to do: a chain of nodes, each feeding the next one's chain input, over values numbered
/// within the problem. Everything in <see cref="Inputs"/> lies in memory; only <see cref="Outputs"/> need be written.
/// Two problems are equal when their lines are.
/// </summary>
public sealed class Problem : IEquatable<Problem>
{
    public Problem(
        ImmutableArray<Value> values, ImmutableArray<Node> nodes, ImmutableArray<ValueId> outputs, bool constantWeights)
    {
        Values = values;
        Nodes = nodes;
        Outputs = outputs;
        ConstantWeights = constantWeights;
        Operations = [.. nodes.Select(node => node.Operation)];
        Inputs = InputsOf(nodes);
        Line = ProblemText.Format(this);
    }

    public ImmutableArray<Value> Values { get; }

    public ImmutableArray<Node> Nodes { get; }

    /// <summary>The operations of <see cref="Nodes"/>, for list patterns such as <c>[ConvolutionForward c, Relu]</c>.</summary>
    public ImmutableArray<Operation> Operations { get; }

    /// <summary>Values read from memory, in the order of their first use.</summary>
    public ImmutableArray<ValueId> Inputs { get; }

    /// <summary>Values that must be written to memory, in the order in which the nodes produce them.</summary>
    public ImmutableArray<ValueId> Outputs { get; }

    /// <summary>True where filters keep their contents between runs, so that a kernel may repack them once.</summary>
    public bool ConstantWeights { get; }

    /// <summary>The canonical problem line, for example <c>conv_fwd n32 h56 w56 c64 k64 r3 s3 stride1 pad1 bf16 +bias +relu</c>.</summary>
    public string Line { get; }

    public Value this[ValueId id] => Values[id.Index];

    public Value Input(int node, int slot) => this[Nodes[node].Inputs[slot]];

    public Value Output(int node, int slot) => this[Nodes[node].Outputs[slot]];

    public bool IsMaterialised(ValueId id) => Outputs.Contains(id);

    internal static ImmutableArray<ValueId> InputsOf(IReadOnlyList<Node> nodes)
    {
        HashSet<ValueId> produced = [.. nodes.SelectMany(node => node.Outputs)];
        return [.. nodes.SelectMany(node => node.Inputs).Where(id => !produced.Contains(id)).Distinct()];
    }

    public bool Equals(Problem? other) => other is not null && Line == other.Line;

    public override bool Equals(object? obj) => Equals(obj as Problem);

    public override int GetHashCode() => Line.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Line;
}
