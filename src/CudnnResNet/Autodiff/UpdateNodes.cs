using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Autodiff;

/// <summary>A node and the position of the node of the backward graph that it follows.</summary>
internal readonly record struct PlacedNode(int After, Node Node);

/// <summary>The nodes that <see cref="ParameterUpdates"/> adds to a backward graph.</summary>
internal sealed class UpdateNodes
{
    private const string Scope = "update";

    private readonly LayerGraph _graph;
    private readonly SgdOptions _options;
    private readonly int _passes;
    private readonly Dictionary<double, ValueId> _rates = [];

    /// <summary>No update stands before this node.</summary>
    private readonly int _earliest;

    private readonly ScaleState? _scaling;
    private readonly GraphBuilder _builder;
    private readonly Dictionary<ValueId, int> _lastUse = [];
    private readonly List<PlacedNode> _passing = [];
    private readonly List<PlacedNode> _updating = [];

    public UpdateNodes(LayerGraph graph, SgdOptions options, int passes, bool together)
    {
        (_graph, _options, _passes, _builder) = (graph, options, passes, new GraphBuilder(graph));
        for (int i = 0; i < graph.Nodes.Length; i++)
            foreach (ValueId id in graph.Nodes[i].Inputs.Concat(graph.Nodes[i].Outputs))
                _lastUse[id] = i;
        HashSet<string> names = [.. graph.Values.Select(value => value.Name)];
        ILookup<bool, Value> parameters = graph.WithRole(ValueRole.Parameter)
            .ToLookup(value => names.Contains(BackwardGraph.GradientName(value.Name)));
        _earliest = together || options.LossScaling is not null ? graph.Nodes.Length - 1 : 0;
        _scaling = options.LossScaling is null ? null : DeclareScaling(parameters[true].First().Type);
        Gradient[] gradients = [.. parameters[true].Select(GradientOf)];
        if (_scaling is { } scaling)
            foreach (Gradient gradient in gradients)
                Change(_earliest, new FindOverflow(), [gradient.Id, scaling.Overflow]);
        (ValueId Id, int Known)? scale = options.ClipNorm is { } norm ? Clip(gradients, norm)
            : _scaling is { } unclipped ? (unclipped.Inverse, _earliest)
            : null;
        foreach (Gradient gradient in gradients)
            Update(gradient, scale);
        if (options.AverageDecay is { } decay)
            foreach (Value constant in graph.WithRole(ValueRole.State).Where(state => state.Name != LossScaling.Scale).Concat(parameters[false]))
                Average(constant, decay, Math.Max(_lastUse[constant.Id], _earliest));
        if (_scaling is { } state && options.LossScaling is { } rule)
            Change(_earliest, new AdjustLossScale(rule.Growth, rule.Backoff, rule.Interval),
                [state.Overflow, state.Scale, state.Inverse, state.GoodSteps, state.SkippedSteps]);
        Declared = _builder.ToGraph() with { Outputs = graph.Outputs };
    }

    /// <summary>The graph with all new values, without the new nodes.</summary>
    public LayerGraph Declared { get; }

    /// <summary>What every pass does.</summary>
    public IReadOnlyList<PlacedNode> Passing => _passing;

    /// <summary>What the last pass of a step does besides.</summary>
    public IReadOnlyList<PlacedNode> Updating => _updating;

    /// <param name="W">The parameter.</param>
    /// <param name="Id">Its gradient, or the sum over the passes.</param>
    /// <param name="Made">The position behind which the gradient is there.</param>
    private readonly record struct Gradient(Value W, ValueId Id, int Made);

    private readonly record struct ScaleState(
        ValueId Scale, ValueId Inverse, ValueId GoodSteps, ValueId SkippedSteps, ValueId Overflow);

    private ScaleState DeclareScaling(DataType type)
    {
        return new ScaleState(_graph.Find(LossScaling.Scale).Id, Scalar(LossScaling.Inverse), Scalar(LossScaling.GoodSteps),
            Scalar(LossScaling.SkippedSteps), Scalar(LossScaling.Overflow));

        ValueId Scalar(string name) => _builder.Declare(name, TensorShape.Scalar, type, ValueRole.State);
    }

    private Gradient GradientOf(Value w)
    {
        Value dw = _graph.Find(BackwardGraph.GradientName(w.Name));
        int made = _lastUse[dw.Id];
        if (_passes == 1)
            return new Gradient(w, dw.Id, made);
        ValueId sum = _builder.Declare(ParameterUpdates.AccumulatorName(w.Name), w.Shape, w.Type, ValueRole.State);
        _passing.Add(new PlacedNode(made, new Node(new Blend(1, 1.0 / _passes), [sum, dw.Id], [], Scope)));
        return new Gradient(w, sum, made);
    }

    /// <summary>One sum runs through all gradients in the order in which they are made.</summary>
    private (ValueId Scale, int Known) Clip(Gradient[] gradients, double norm)
    {
        ValueId? total = null;
        int known = 0;
        foreach (Gradient gradient in gradients.OrderBy(gradient => gradient.Made))
        {
            known = gradient.Made;
            total = total is { } sum
                ? Emit(known, new SquaredSum { Continues = true }, [gradient.Id, sum], $"{gradient.W.Name}.norm.sum")
                : Emit(known, new SquaredSum(), [gradient.Id], $"{gradient.W.Name}.norm.sum");
        }
        known = Math.Max(known, _earliest);
        ClipScale clip = new(norm) { IsScaled = _scaling is not null };
        ImmutableArray<ValueId> inverse = _scaling is { } scaling ? [scaling.Inverse] : [];
        return (Emit(known, clip, [total!.Value, .. inverse], "clip_scale"), known);
    }

    private ValueId RateOf(Value w)
    {
        double factor = _options.FactorOf(w.Name);
        if (!_rates.TryGetValue(factor, out ValueId rate))
            _rates.Add(factor, rate = _builder.Declare(ParameterUpdates.RateName(factor), TensorShape.Scalar, w.Type, ValueRole.Input));
        return rate;
    }

    private void Update(Gradient gradient, (ValueId Id, int Known)? scale)
    {
        Value w = gradient.W;
        ValueId rate = RateOf(w);
        bool isVector = w.Shape.Rank <= 1;
        double decay = !isVector || _options.DecayBatchNormAndBias ? _options.WeightDecay : 0;
        int after = Math.Max(Math.Max(_lastUse[w.Id], gradient.Made), Math.Max(scale?.Known ?? 0, _earliest));
        ImmutableArray<ValueId> scales = scale is { } known ? [known.Id] : [];
        ImmutableArray<ValueId> trusts = _options.TrustCoefficient is { } coefficient && !isVector
            ? [Trust(gradient, after, coefficient, decay, scales)]
            : [];
        ValueId velocity = _builder.Declare(ParameterUpdates.VelocityName(w.Name), w.Shape, w.Type, ValueRole.State);
        SgdUpdate update = new(_options.Momentum, decay)
        {
            Nesterov = _options.Nesterov,
            IsScaled = scales.Length > 0,
            IsTrusted = trusts.Length > 0,
            IsGuarded = _scaling is not null,
        };
        Change(after, update, [w.Id, gradient.Id, velocity, rate, .. scales, .. trusts, .. Guard]);
        if (_passes > 1)
            Change(after, new Blend(0, 0), [gradient.Id, gradient.Id]);
        if (_options.AverageDecay is { } average)
            Average(w, average, after);
    }

    private ValueId Trust(
        Gradient gradient, int after, double coefficient, double decay, ImmutableArray<ValueId> scales)
    {
        string name = gradient.W.Name;
        ValueId weights = Emit(after, new SquaredSum(), [gradient.W.Id], $"{name}.squares");
        ValueId gradients = Emit(after, new SquaredSum(), [gradient.Id], $"{name}.grad.squares");
        TrustRatio ratio = new(coefficient, decay) { IsScaled = scales.Length > 0 };
        return Emit(after, ratio, [weights, gradients, .. scales], $"{name}.trust");
    }

    private void Average(Value weight, double decay, int after)
    {
        ValueId average = _builder.Declare(
            ParameterUpdates.AverageName(weight.Name), weight.Shape, weight.Type, ValueRole.State);
        Change(after, new Blend(decay, 1 - decay) { IsGuarded = _scaling is not null }, [average, weight.Id, .. Guard]);
    }

    private ImmutableArray<ValueId> Guard => _scaling is { } scaling ? [scaling.Overflow] : [];

    private ValueId Emit(int after, Operation operation, ImmutableArray<ValueId> inputs, string name)
    {
        ValueId result = _builder.Declare(name, TensorShape.Scalar, _builder[inputs[0]].Type, ValueRole.Intermediate);
        _updating.Add(new PlacedNode(after, new Node(operation, inputs, [result], Scope)));
        return result;
    }

    private void Change(int after, Operation operation, ImmutableArray<ValueId> inputs) =>
        _updating.Add(new PlacedNode(after, new Node(operation, inputs, [], Scope)));
}
