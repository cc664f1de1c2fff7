using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Autodiff;

/// <summary>The gradients found so far, while the forward nodes are walked backwards.</summary>
internal sealed class GradientTape(GraphBuilder graph, HashSet<ValueId> differentiable)
{
    private readonly Dictionary<ValueId, ValueId> _gradients = [];
    private readonly Dictionary<TensorType, ValueId> _zeros = [];

    /// <summary>What the loss's gradient is multiplied by; null multiplies by nothing.</summary>
    public ValueId? LossScale { get; init; }

    /// <summary>Batch norms by their result; empty where ReLUs are undone by what they made.</summary>
    public IReadOnlyDictionary<ValueId, Node> Norms { get; init; } = new Dictionary<ValueId, Node>();

    /// <summary>The batch norm whose result a ReLU takes, where the ReLU is to be undone by it.</summary>
    public Node? NormBefore(Node relu) => Norms.GetValueOrDefault(relu.Inputs[0]);

    public ValueId? GradientOf(ValueId value) => _gradients.TryGetValue(value, out ValueId gradient) ? gradient : null;

    public bool Needs(ValueId value) => differentiable.Contains(value);

    /// <summary>Zeros in the shape of a value, which nothing ever changes: memory that lasts begins as zeros.</summary>
    public ValueId Zeros(ValueId like)
    {
        TensorType type = TypeOf(like);
        if (!_zeros.TryGetValue(type, out ValueId zeros))
            _zeros.Add(type, zeros = graph.Declare($"zeros.{type.Shape}", type.Shape, type.Type, ValueRole.State));
        return zeros;
    }

    public TensorType TypeOf(ValueId value) => new(graph[value].Shape, graph[value].Type);

    /// <summary>The name of the gradient of <paramref name="value"/>; partial sums of a fork are numbered.</summary>
    public string NameFor(ValueId value)
    {
        string name = BackwardGraph.GradientName(graph[value].Name);
        return _gradients.ContainsKey(value) ? $"{name}.part" : name;
    }

    public ImmutableArray<ValueId> Emit(
        Operation operation, ImmutableArray<ValueId> inputs, string scope, params ReadOnlySpan<string> names) =>
        graph.Apply(operation, inputs, scope, names);

    /// <summary>
    /// Adds <paramref name="gradient"/> to the gradient of <paramref name="value"/>. The newest contribution is the
    /// first operand of the sum, so that the kernel which made it can take the sum in.
    /// </summary>
    public void Contribute(ValueId value, ValueId gradient, string scope)
    {
        if (!Needs(value))
            return;
        _gradients[value] = _gradients.TryGetValue(value, out ValueId earlier)
            ? graph.Apply(new Add(), [gradient, earlier], scope,
                $"{BackwardGraph.GradientName(graph[value].Name)}.sum")[0]
            : gradient;
    }
}
