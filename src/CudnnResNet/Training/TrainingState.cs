using CudnnResNet.Autodiff;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Weights;

namespace CudnnResNet.Training;

/// <summary>What outlives the steps of a plan (weights, momentum, moving averages, loss scale), to and from files.</summary>
internal sealed class TrainingState(ExecutionPlan plan)
{
    /// <summary>Parameters and running statistics.</summary>
    public IEnumerable<Value> Weights => Graph.Values.Where(IsWeight);

    private LayerGraph Graph => plan.Compiled.Graph;

    /// <summary>A moving average begins with the weights.</summary>
    /// <exception cref="ResNetException">The weights do not fit; the network keeps those that it had.</exception>
    public void LoadWeights(NetworkWeights weights)
    {
        weights.RequireMatch(Weights);
        double[] buffer = ValueBuffer();
        foreach (Value value in Weights)
            Copy(weights, value.Name, value, buffer);
        foreach ((Value average, string name) in Averages)
            Copy(weights, name, average, buffer);
    }

    /// <summary>A copy of the parameters and running statistics.</summary>
    public NetworkWeights SaveWeights()
    {
        double[] buffer = ValueBuffer();
        return new(Weights.ToDictionary(value => value.Name, value => ToFile(value, value.Name, buffer)), "the training session");
    }

    /// <summary>The moving average of parameters and running statistics; null where none is kept.</summary>
    public NetworkWeights? SaveAverage() => Averages.Any()
        ? new NetworkWeights(Averages.ToDictionary(pair => pair.Weight, pair => ToFile(pair.Average, pair.Weight)), "the moving average")
        : null;

    /// <summary>
    /// Momentum buffers and the loss scale under <c>optimizer.</c> (<c>optimizer.{parameter}.velocity</c>), moving averages
    /// under <c>ema.{weight}</c>.
    /// </summary>
    public IEnumerable<NamedTensor> SaveOptimizer() =>
    [
        .. Graph.Values.Where(IsOptimizerState).Select(value => ToFile(value, NetworkWeights.OptimizerPrefix + value.Name)),
        .. Averages.Select(pair => ToFile(pair.Average, NetworkWeights.AveragePrefix + pair.Weight)),
    ];

    /// <exception cref="ResNetException">A momentum buffer or a moving average is missing or has another shape.</exception>
    public void LoadOptimizer(NetworkWeights weights)
    {
        List<Value> buffers = [.. Graph.Values.Where(IsOptimizerState)];
        Dictionary<string, NamedTensor> tensors = weights.Tensors
            .Where(entry => entry.Key.StartsWith(NetworkWeights.OptimizerPrefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[NetworkWeights.OptimizerPrefix.Length..], entry => entry.Value);
        NetworkWeights state = new(tensors, $"{weights.Origin} (optimizer state)");
        state.RequireMatch(buffers);
        NetworkWeights? averages = weights.Averages();
        if (Averages.Any())
            (averages ?? throw new ResNetException($"{weights.Origin} holds no moving average to continue; leave out --ema, "
                + "or start a new run from its weights with --init.")).RequireMatch(Weights);
        double[] buffer = ValueBuffer();
        foreach (Value value in buffers)
            Copy(state, value.Name, value, buffer);
        foreach ((Value average, string name) in Averages)
            Copy(averages!, name, average, buffer);
    }

    /// <summary>The gradients of the last step, times a factor.</summary>
    public IEnumerable<NamedTensor> ReadGradients(double factor) => GradientsIn(Graph)
        .Select(pair => ToFile(pair.Gradient, pair.Parameter, factor: factor));

    /// <summary>Forgets what the passes of a step have added up; nothing where a step has one pass.</summary>
    public void ClearGradientSums()
    {
        HashSet<string> sums = [.. Graph.WithRole(ValueRole.Parameter).Select(parameter => ParameterUpdates.AccumulatorName(parameter.Name))];
        foreach (Value sum in Graph.WithRole(ValueRole.State).Where(value => sums.Contains(value.Name)))
            new HostAccess(plan, sum).Write(new double[sum.Shape.Elements]);
    }

    /// <summary>The gradients that a graph names, by parameter.</summary>
    public static IEnumerable<(string Parameter, Value Gradient)> GradientsIn(LayerGraph graph)
    {
        Dictionary<string, Value> byName = graph.Values.ToDictionary(value => value.Name);
        foreach (Value parameter in graph.WithRole(ValueRole.Parameter))
            if (byName.TryGetValue(BackwardGraph.GradientName(parameter.Name), out Value? gradient))
                yield return (parameter.Name, gradient);
    }

    /// <summary>Room for any one weight: values pass one at a time, not as a second copy of the network.</summary>
    private double[] ValueBuffer() => new double[Graph.WithRole(ValueRole.Parameter).Max(value => value.Shape.Elements)];

    private void Copy(NetworkWeights weights, string name, Value value, double[] buffer)
    {
        Span<double> values = buffer.AsSpan(0, (int)value.Shape.Elements);
        weights.CopyTo(name, value.Shape, values);
        new HostAccess(plan, value).Write(values);
    }

    private NamedTensor ToFile(Value value, string name, double[]? buffer = null, double factor = 1)
    {
        Span<double> values = (buffer ?? new double[value.Shape.Elements]).AsSpan(0, (int)value.Shape.Elements);
        new HostAccess(plan, value).Read(values);
        if (factor != 1)
            for (int i = 0; i < values.Length; i++)
                values[i] *= factor;
        return NetworkWeights.ToFile(value, name, values);
    }

    private IEnumerable<(Value Average, string Weight)> Averages
    {
        get
        {
            Dictionary<string, Value> states = Graph.WithRole(ValueRole.State).ToDictionary(value => value.Name);
            foreach (Value weight in Weights)
                if (states.TryGetValue(ParameterUpdates.AverageName(weight.Name), out Value? average))
                    yield return (average, weight.Name);
        }
    }

    private static bool IsOptimizerState(Value value) => value.Role == ValueRole.State
        && (value.Name.EndsWith(".velocity", StringComparison.Ordinal) || LossScaling.IsLasting(value.Name));

    private static bool IsWeight(Value value) => value.Role == ValueRole.Parameter || (value.Role == ValueRole.State
        && (value.Name.EndsWith(".running_mean", StringComparison.Ordinal)
            || value.Name.EndsWith(".running_var", StringComparison.Ordinal)));
}
