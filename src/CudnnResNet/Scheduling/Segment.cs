using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Scheduling;

/// <summary>One kernel that could do a segment, with its time where it was measured.</summary>
public sealed record KernelCandidate(Kernel Kernel, double? Microseconds);

/// <summary>
/// A chain of nodes that one kernel does: its problem, the kernel chosen, its cost (microseconds, or 1 where nothing
/// is measured), and what else was asked.
/// </summary>
public sealed record Segment(
    BoundProblem Bound, ImmutableArray<Node> Nodes, Kernel Kernel, double Cost,
    ImmutableArray<KernelCandidate> Candidates)
{
    public Problem Problem => Bound.Problem;
}

/// <summary>A graph cut into segments, in an order of execution.</summary>
public sealed record ScheduledGraph(LayerGraph Graph, ImmutableArray<Segment> Segments)
{
    public double Cost => Segments.Sum(segment => segment.Cost);
}
