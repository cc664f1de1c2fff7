using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Autodiff;

/// <summary>Stochastic gradient descent with momentum, as PyTorch's <c>torch.optim.SGD</c>.</summary>
/// <param name="Momentum">The share of the old velocity that is kept.</param>
/// <param name="WeightDecay">Added to the gradient as WeightDecay * w.</param>
/// <param name="DecayBatchNormAndBias">False exempts all vectors: batch-norm weights and every bias.</param>
public sealed record SgdOptions(double Momentum, double WeightDecay, bool DecayBatchNormAndBias = true)
{
    /// <summary>Step along the gradient plus the momentum of the new velocity (Nesterov's momentum, as PyTorch has it).</summary>
    public bool Nesterov { get; init; }
}

/// <summary>Appends the optimizer to a training graph, so that a whole step is one plan.</summary>
public static class ParameterUpdates
{
    /// <summary>The input that holds the learning rate of the step: a scalar, so that it can change between replays.</summary>
    public const string LearningRate = "learning_rate";

    /// <summary>The name of a parameter's momentum buffer.</summary>
    public static string VelocityName(string parameter) => $"{parameter}.velocity";

    /// <summary>
    /// Appends one update a parameter, placed behind the last node that reads the parameter or makes its gradient,
    /// so that a gradient's memory is free as soon as it is used.
    /// </summary>
    public static LayerGraph Append(LayerGraph graph, SgdOptions options)
    {
        List<Value> parameters = [.. graph.WithRole(ValueRole.Parameter)];
        Dictionary<ValueId, int> lastUse = LastUses(graph);
        GraphBuilder builder = new(graph);
        ValueId rate = builder.Declare(LearningRate, TensorShape.Scalar, parameters[0].Type, ValueRole.Input);
        List<(int After, Node Update)> updates = [];
        foreach (Value w in parameters)
        {
            Value gradient = graph.Find(BackwardGraph.GradientName(w.Name));
            ValueId velocity = builder.Declare(VelocityName(w.Name), w.Shape, w.Type, ValueRole.State);
            bool decays = w.Shape.Rank > 1 || options.DecayBatchNormAndBias;
            SgdUpdate update = new(options.Momentum, decays ? options.WeightDecay : 0) { Nesterov = options.Nesterov };
            int after = Math.Max(lastUse[w.Id], lastUse[gradient.Id]);
            updates.Add((after, new Node(update, [w.Id, gradient.Id, velocity, rate], [], "update")));
        }
        LayerGraph declared = builder.ToGraph();
        ILookup<int, Node> placed = updates.ToLookup(entry => entry.After, entry => entry.Update);
        return declared with
        {
            Nodes = [.. graph.Nodes.SelectMany((node, index) => placed[index].Prepend(node))],
        };
    }

    /// <summary>The position of the last node that reads or makes each value.</summary>
    private static Dictionary<ValueId, int> LastUses(LayerGraph graph)
    {
        Dictionary<ValueId, int> last = [];
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            foreach (ValueId id in graph.Nodes[i].Inputs)
                last[id] = i;
            foreach (ValueId id in graph.Nodes[i].Outputs)
                last[id] = i;
        }
        return last;
    }
}
