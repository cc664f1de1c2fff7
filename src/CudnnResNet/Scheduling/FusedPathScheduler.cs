using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Scheduling;

/// <summary>
/// Cuts a graph into chains that kernels take, at the least total cost. Every node has one chain parent (the producer
/// of its chain input), so the graph is a forest, a cut is a set of disjoint downward paths that covers it, and
/// dynamic programming from the leaves finds the best cut exactly: for each node, the best path that starts there plus
/// the best of everything that hangs off that path. Paths run across the joins of residual blocks like everywhere else.
/// </summary>
public sealed class FusedPathScheduler
{
    /// <summary>Longer chains are not asked for: a whole bottleneck in training, with its join, has ten nodes.</summary>
    private const int MaximumChain = 10;

    private readonly LayerGraph _graph;
    private readonly KernelSelector _selector;
    private readonly bool _constantWeights;
    private readonly GraphIndex _index;
    private readonly Segment?[] _best;
    private readonly double[] _bestCost;

    private FusedPathScheduler(LayerGraph graph, KernelSelector selector, bool constantWeights)
    {
        _graph = graph;
        _selector = selector;
        _constantWeights = constantWeights;
        _index = new GraphIndex(graph);
        _best = new Segment?[graph.Nodes.Length];
        _bestCost = new double[graph.Nodes.Length];
    }

    /// <param name="graph">The graph to cut.</param>
    /// <param name="selector">Chooses and prices kernels.</param>
    /// <param name="constantWeights">True in inference: weights stay as they are between runs.</param>
    /// <param name="isFusing">False gives every node a kernel of its own: the plan that fusions are compared with.</param>
    /// <exception cref="NotSupportedException">A node that no kernel takes alone.</exception>
    /// <exception cref="ResNetException">A node that kernels took, and refused to run.</exception>
    public static ScheduledGraph Schedule(
        LayerGraph graph, KernelSelector selector, bool constantWeights, bool isFusing = true)
    {
        FusedPathScheduler scheduler = new(graph, selector, constantWeights);
        for (int node = graph.Nodes.Length - 1; node >= 0; node--)
            scheduler.SolveFrom(node, isFusing ? MaximumChain : 1);
        List<Segment> segments = scheduler.CollectCut();
        return new ScheduledGraph(graph, SegmentOrder.Sort(segments, scheduler._index, scheduler.Split));
    }

    private void SolveFrom(int head, int maximumChain)
    {
        _bestCost[head] = double.PositiveInfinity;
        List<int> path = [head];
        // What hangs off the path so far, the continuation excluded.
        Extend(path, offPathCost: 0, maximumChain);
        if (_best[head] is null)
            throw NoKernelFor(head, SegmentFor(path, out _));
    }

    private Exception NoKernelFor(int head, Problem problem)
    {
        Refusal[] atRun = [.. _selector.Refusals(problem).Where(refusal => refusal.IsAtRun)];
        string what = $"No kernel takes {_graph.Nodes[head].Operation} of '{_graph.Nodes[head].Scope}' ({problem.Line})";
        return atRun.Length == 0
            ? new NotSupportedException($"{what}.")
            : new ResNetException($"{what}: {string.Join("; ", atRun.Select(refusal => $"{refusal.Kernel} {refusal.Reason.TrimEnd('.')}"))}.");
    }

    private void Extend(List<int> path, double offPathCost, int maximumChain)
    {
        ImmutableArray<int> children = _index.ChainChildren(path[^1]);
        double childrenCost = 0;
        foreach (int child in children)
            childrenCost += _bestCost[child];

        Problem problem = SegmentFor(path, out BoundProblem bound);
        Selection selection = _selector.Select(problem);
        double total = selection.Cost + offPathCost + childrenCost;
        if (selection.Kernel is not null && total < _bestCost[path[0]])
        {
            _bestCost[path[0]] = total;
            _best[path[0]] = new Segment(bound, [.. path.Select(i => _graph.Nodes[i])],
                selection.Kernel, selection.Cost, selection.Candidates);
        }
        if (path.Count == maximumChain)
            return;
        foreach (int child in children)
            if (_index.CanFuse(path, child))
            {
                path.Add(child);
                Extend(path, offPathCost + childrenCost - _bestCost[child], maximumChain);
                path.RemoveAt(path.Count - 1);
            }
    }

    private List<Segment> CollectCut()
    {
        List<Segment> cut = [];
        bool[] isCovered = new bool[_graph.Nodes.Length];
        for (int node = 0; node < _graph.Nodes.Length; node++)
        {
            if (isCovered[node])
                continue;
            Segment segment = _best[node]!;
            cut.Add(segment);
            foreach (Node member in segment.Nodes)
                isCovered[_index.PositionOf(member)] = true;
        }
        return cut;
    }

    /// <summary>The segment's nodes one by one, where two segments would wait for each other.</summary>
    private IEnumerable<Segment> Split(Segment segment)
    {
        foreach (Node node in segment.Nodes)
        {
            Problem problem = SegmentFor([_index.PositionOf(node)], out BoundProblem bound);
            Selection selection = _selector.Select(problem);
            yield return new Segment(bound, [node], selection.Kernel!, selection.Cost, selection.Candidates);
        }
    }

    private Problem SegmentFor(List<int> path, out BoundProblem bound)
    {
        Node[] chain = [.. path.Select(i => _graph.Nodes[i])];
        bound = ProblemExtraction.Extract(
            _graph, chain, id => _index.IsReadOutside(id, path), _constantWeights);
        return bound.Problem;
    }
}
