using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Autodiff;

/// <summary>Stochastic gradient descent with momentum, as PyTorch's <c>torch.optim.SGD</c>.</summary>
/// <param name="Momentum">The share of the old velocity that is kept.</param>
/// <param name="WeightDecay">Added to the gradient as WeightDecay * w.</param>
/// <param name="DecayBatchNormAndBias">False exempts all vectors: batch-norm weights and every bias.</param>
public sealed record SgdOptions(double Momentum, double WeightDecay, bool DecayBatchNormAndBias = true)
{
    /// <summary>Step along the gradient plus the momentum of the new velocity (Nesterov's momentum, as PyTorch has it).</summary>
    public bool Nesterov { get; init; }

    /// <summary>
    /// LARS: every tensor but the vectors has a rate of its own, this times the norm of its weights over that of its
    /// gradient (You et al., arXiv 1708.03888). Null is plain SGD.
    /// </summary>
    public double? TrustCoefficient { get; init; }

    /// <summary>The norm of all gradients together is at most this; null clips nothing.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>How fast parts of the network learn; the first entry that fits a parameter counts, and without one it is 1.</summary>
    public ImmutableArray<RateFactor> RateFactors { get; init; } = [];

    /// <summary>What the learning rate is multiplied by for a parameter; 0 leaves it as it is.</summary>
    public double FactorOf(string parameter)
    {
        foreach (RateFactor factor in RateFactors)
            if (parameter.StartsWith(factor.Prefix, StringComparison.Ordinal))
                return factor.Factor;
        return 1;
    }

    /// <summary>What a moving average of all weights keeps of itself in a step; null keeps no average.</summary>
    public double? AverageDecay { get; init; }

    /// <summary>The loss's gradient is scaled; null takes it as it is.</summary>
    public LossScaling? LossScaling { get; init; }
}

/// <summary>The learning rate of all parameters whose names begin alike, in relation to the run's.</summary>
/// <param name="Prefix">For example <c>fc.</c> or <c>layer4.</c>; empty fits all.</param>
/// <param name="Factor">0 or more; 0 freezes the parameters, and no gradient is computed for them.</param>
public readonly record struct RateFactor(string Prefix, double Factor);

/// <summary>The graphs of a training step. They share all values that outlive a run, in the same order.</summary>
/// <param name="Update">Forward, backward, and the updates.</param>
/// <param name="Accumulate">Forward and backward that add to the gradients; null where one pass is a step.</param>
public sealed record StepGraphs(LayerGraph Update, LayerGraph? Accumulate);

/// <summary>Appends the optimizer to a training graph, so that a whole step is one plan.</summary>
public static class ParameterUpdates
{
    /// <summary>The input that holds the learning rate of the step: a scalar, so that it can change between replays.</summary>
    public const string LearningRate = "learning_rate";

    /// <summary>The input that holds the learning rate of parameters that learn faster or slower.</summary>
    public static string RateName(double factor) => factor == 1
        ? LearningRate
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{LearningRate}.times.{factor}");

    /// <summary>The parameters that a step changes: not those of frozen parts, nor of frozen batch norms.</summary>
    /// <exception cref="ResNetException">A rate factor fits no parameter.</exception>
    public static IReadOnlyList<Value> Trained(LayerGraph forward, SgdOptions options)
    {
        string[] names = [.. forward.WithRole(ValueRole.Parameter).Select(value => value.Name)];
        foreach (RateFactor factor in options.RateFactors)
            if (!names.Any(name => name.StartsWith(factor.Prefix, StringComparison.Ordinal)))
                throw new ResNetException($"A learning-rate factor is for '{factor.Prefix.TrimEnd('.')}', and the network has no such part; "
                    + $"its parts are {string.Join(", ", names.Select(name => name.Split('.')[0]).Distinct())}");
        HashSet<ValueId> fixedValues = [.. forward.Nodes.Where(node => node.Operation is BatchNormInference).SelectMany(node => node.Inputs[1..])];
        return [.. forward.WithRole(ValueRole.Parameter).Where(value => !fixedValues.Contains(value.Id) && options.FactorOf(value.Name) > 0)];
    }

    /// <summary>The name of a parameter's momentum buffer.</summary>
    public static string VelocityName(string parameter) => $"{parameter}.velocity";

    /// <summary>The name of the moving average of a parameter or running statistic.</summary>
    public static string AverageName(string weight) => $"{weight}.average";

    /// <summary>The name of the sum of a parameter's gradients over the passes of a step.</summary>
    public static string AccumulatorName(string parameter) => $"{BackwardGraph.GradientName(parameter)}.accumulated";

    /// <summary>Appends the updates to a graph that holds every parameter's gradient.</summary>
    public static LayerGraph Append(LayerGraph graph, SgdOptions options) => Append(graph, options, passes: 1).Update;

    /// <summary>
    /// Appends one update a parameter, placed behind the last node that reads the parameter or makes its gradient, so
    /// that a gradient's memory is free as soon as it is used. Where gradients are clipped or the loss is scaled, no
    /// update can come before all of them are known: there they follow the last.
    /// </summary>
    /// <param name="graph">Forward and backward.</param>
    /// <param name="options">The update rule.</param>
    /// <param name="passes">Batches of a step, whose mean gradient it takes.</param>
    /// <param name="together">All updates follow the last gradient, so that one launch can do them all.</param>
    public static StepGraphs Append(LayerGraph graph, SgdOptions options, int passes, bool together = false)
    {
        UpdateNodes nodes = new(graph, options, passes, together);
        LayerGraph declared = nodes.Declared;
        return new StepGraphs(
            declared with { Nodes = Merge(graph, nodes.Passing, nodes.Updating) },
            passes == 1 ? null : declared with { Nodes = Merge(graph, nodes.Passing, []) });
    }

    private static ImmutableArray<Node> Merge(
        LayerGraph graph, IEnumerable<PlacedNode> passing, IEnumerable<PlacedNode> updating)
    {
        // Updates of one kind next to each other, where they stand at one place: kernels can take them as one.
        ILookup<int, Node> placed = passing.Concat(updating.OrderBy(entry => Phase(entry.Node.Operation)))
            .ToLookup(entry => entry.After, entry => entry.Node);
        return [.. graph.Nodes.SelectMany((node, index) => placed[index].Prepend(node))];
    }

    private static int Phase(Operation operation) => operation switch
    {
        FindOverflow => 0,
        SquaredSum => 1,
        ClipScale => 2,
        TrustRatio => 3,
        SgdUpdate => 4,
        Blend => 5,
        _ => 6,
    };
}
