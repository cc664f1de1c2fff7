using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Memory;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Execution;

/// <summary>A graph with its kernels and its memory chosen, before anything is allocated.</summary>
/// <param name="Graph">What is computed.</param>
/// <param name="Schedule">By which kernels, in which order.</param>
/// <param name="Memory">Where everything lies.</param>
/// <param name="Seconds">How long compiling took, measurements included.</param>
/// <param name="Measurements">How many kernel times were measured and not found in the plan cache.</param>
public sealed record CompiledGraph(
    LayerGraph Graph, ScheduledGraph Schedule, MemoryPlan Memory, double Seconds, int Measurements)
{
    /// <summary>Every chain that was put to the catalog on the way, by problem line: what else there was to choose from.</summary>
    public required IReadOnlyDictionary<string, AskedProblem> Asked { get; init; }

    /// <summary>What is freed after the forward pass and computed again, by the ids of the graph that was compiled.</summary>
    public ImmutableArray<ValueId> Freed { get; init; } = [];

    /// <summary>How many of the measurements other processes disturbed. With one or more, the plan is made anew at the next start.</summary>
    public int DisturbedMeasurements { get; init; }

    /// <summary>How to make this plan again; null before compiling has ended.</summary>
    public PlanRecord? Record { get; init; }
}
