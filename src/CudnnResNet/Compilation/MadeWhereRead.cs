using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Compilation;

/// <summary>
/// Results of a batch norm and ReLU that the backward pass reads once, for a filter's gradient, where a kernel makes them
/// again while it reads what the norm read. Freed after the forward pass, they cost no pass over memory of their own, and the
/// forward pass may leave them out of memory as well.
/// </summary>
internal static class MadeWhereRead
{
    /// <summary>The values by what reads them: equal readers decide alike.</summary>
    /// <param name="graph">A training graph; others have no such values.</param>
    /// <param name="freed">Values that are freed in any case.</param>
    /// <param name="selector">Whose catalog is asked.</param>
    /// <param name="constantWeights">See <see cref="Problem.ConstantWeights"/>.</param>
    public static ImmutableArray<ImmutableArray<ValueId>> Groups(
        LayerGraph graph, ImmutableArray<ValueId> freed, KernelSelector selector, bool constantWeights)
    {
        HashSet<ValueId> candidates = [.. Rematerialisation.Candidates(graph).Except(freed)];
        if (candidates.Count == 0)
            return [];
        LayerGraph again = Rematerialisation.Apply(graph, [.. candidates]);
        ILookup<ValueId, Node> readers = again.Nodes.SelectMany(node => node.Inputs.Distinct().Select(id => (id, node)))
            .ToLookup(pair => pair.id, pair => pair.node);
        Dictionary<string, ImmutableArray<ValueId>.Builder> groups = [];
        foreach (Node norm in again.Nodes)
        {
            if (norm.Operation is not BatchNormApply || readers[norm.Outputs[0]].ToArray() is not [{ Operation: Relu } relu]
                || readers[relu.Outputs[0]].ToArray() is not [{ Operation: ConvolutionBackwardFilter } gradient])
                continue;
            Problem problem = ProblemExtraction.Extract(again, [norm, relu, gradient], _ => false, constantWeights).Problem;
            if (selector.Select(problem).Kernel is null)
                continue;
            ValueId activation = graph.Nodes.Single(node => node.Operation == gradient.Operation
                && node.Outputs.SequenceEqual(gradient.Outputs)).Inputs[0];
            if (!groups.TryGetValue(problem.Line, out ImmutableArray<ValueId>.Builder? group))
                groups.Add(problem.Line, group = ImmutableArray.CreateBuilder<ValueId>());
            group.Add(activation);
        }
        return [.. groups.Values.Select(group => group.ToImmutable())];
    }
}
