using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;

namespace CudnnResNet.Compilation;

/// <summary>
/// Which values to free first: those that cost the least measured time for each byte that they free. Values of one
/// shape that are computed again by as many nodes share one price; where nothing is measured, a node costs 1.
/// </summary>
internal static class RecomputationOrder
{
    /// <summary>The candidates of <see cref="Rematerialisation"/>, cheapest first; equal ones stay in forward order.</summary>
    public static ImmutableArray<ValueId> CheapestFirst(LayerGraph graph, KernelSelector selector)
    {
        double kept = FusedPathScheduler.Schedule(graph, selector, constantWeights: false).Cost;
        Dictionary<(TensorShape, DataType, int), double> prices = [];
        return [.. Rematerialisation.Candidates(graph).OrderBy(PricePerByte)];

        double PricePerByte(ValueId id)
        {
            Value value = graph[id];
            LayerGraph freed = Rematerialisation.Apply(graph, [id]);
            var kind = (value.Shape, value.Type, freed.Nodes.Length - graph.Nodes.Length);
            if (!prices.TryGetValue(kind, out double price))
            {
                double cost = FusedPathScheduler.Schedule(freed, selector, constantWeights: false).Cost;
                prices[kind] = price = (cost - kept) / value.Bytes;
            }
            return price;
        }
    }
}
