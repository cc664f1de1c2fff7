using System.Collections.Immutable;
using CudnnResNet.Tensors;

namespace CudnnResNet.Graph;

/// <summary>Collects values and nodes into a <see cref="LayerGraph"/>, with every operand checked as it is added.</summary>
public sealed class GraphBuilder
{
    private readonly ImmutableArray<Value>.Builder _values = ImmutableArray.CreateBuilder<Value>();
    private readonly ImmutableArray<Node>.Builder _nodes = ImmutableArray.CreateBuilder<Node>();
    private readonly ImmutableArray<ValueId>.Builder _outputs = ImmutableArray.CreateBuilder<ValueId>();

    public GraphBuilder() { }

    /// <summary>Continues from <paramref name="graph"/>: its values keep their ids.</summary>
    public GraphBuilder(LayerGraph graph)
    {
        _values.AddRange(graph.Values);
        _nodes.AddRange(graph.Nodes);
        _outputs.AddRange(graph.Outputs);
    }

    public Value this[ValueId id] => _values[id.Index];

    public ValueId Declare(string name, TensorShape shape, DataType type, ValueRole role)
    {
        ValueId id = new(_values.Count);
        _values.Add(new Value(id, name, shape, type, role));
        return id;
    }

    /// <summary>Adds a node; its outputs are named after <paramref name="names"/>.</summary>
    /// <exception cref="ArgumentException">An operand's shape or type is not what the operation takes.</exception>
    public ImmutableArray<ValueId> Apply(
        Operation operation, ImmutableArray<ValueId> inputs, string scope, params ReadOnlySpan<string> names)
    {
        ImmutableArray<TensorType> given = [.. inputs.Select(id => TypeOf(_values[id.Index]))];
        TensorType chain = given[OperationTable.Of(operation).ChainInput];
        ImmutableArray<TensorType> expected = ShapeRules.Inputs(operation, chain, inputs.Length);
        for (int slot = 0; slot < expected.Length; slot++)
            if (slot >= given.Length || given[slot] != expected[slot])
                throw new ArgumentException($"{scope}: input {slot} of {operation} is "
                    + $"{(slot < given.Length ? Describe(given[slot]) : "missing")}, not {Describe(expected[slot])}.");
        ImmutableArray<TensorType> types = ShapeRules.Outputs(operation, given, names.Length);
        ImmutableArray<ValueId>.Builder outputs = ImmutableArray.CreateBuilder<ValueId>(types.Length);
        for (int i = 0; i < types.Length; i++)
            outputs.Add(Declare(names[i], types[i].Shape, types[i].Type, ValueRole.Intermediate));
        _nodes.Add(new Node(operation, inputs, outputs.ToImmutable(), scope));
        return outputs.ToImmutable();
    }

    public void MarkOutput(ValueId id) => _outputs.Add(id);

    public LayerGraph ToGraph() => new(_values.ToImmutable(), _nodes.ToImmutable(), _outputs.ToImmutable());

    private static TensorType TypeOf(Value value) => new(value.Shape, value.Type);

    private static string Describe(TensorType type) => $"{type.Shape} {type.Type.ShortName()}";
}
