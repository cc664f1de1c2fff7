using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Scheduling;

/// <summary>Puts segments into an order of execution: each as early as the graph had its first node.</summary>
internal static class SegmentOrder
{
    /// <param name="segments">A cut of the graph.</param>
    /// <param name="index">The graph's dependencies.</param>
    /// <param name="split">Takes a segment apart, where two of them would wait for each other.</param>
    public static ImmutableArray<Segment> Sort(
        List<Segment> segments, GraphIndex index, Func<Segment, IEnumerable<Segment>> split)
    {
        while (true)
        {
            (ImmutableArray<Segment> ordered, List<Segment> stuck) = TrySort(segments, index);
            if (stuck.Count == 0)
                return ordered;
            Segment fused = stuck.First(segment => segment.Nodes.Length > 1);
            segments = [.. segments.Where(segment => segment != fused), .. split(fused)];
        }
    }

    private static (ImmutableArray<Segment> Ordered, List<Segment> Stuck) TrySort(
        List<Segment> segments, GraphIndex index)
    {
        Dictionary<int, int> segmentOf = [];
        for (int s = 0; s < segments.Count; s++)
            foreach (Node node in segments[s].Nodes)
                segmentOf[index.PositionOf(node)] = s;

        int[] waiting = new int[segments.Count];
        List<int>[] followers = [.. segments.Select(_ => new List<int>())];
        for (int s = 0; s < segments.Count; s++)
        {
            HashSet<int> needs = [];
            foreach (Node node in segments[s].Nodes)
                foreach (int dependency in index.Dependencies[index.PositionOf(node)])
                    if (segmentOf[dependency] != s)
                        needs.Add(segmentOf[dependency]);
            waiting[s] = needs.Count;
            foreach (int need in needs)
                followers[need].Add(s);
        }

        PriorityQueue<int, int> ready = new();
        for (int s = 0; s < segments.Count; s++)
            if (waiting[s] == 0)
                ready.Enqueue(s, index.PositionOf(segments[s].Nodes[0]));
        ImmutableArray<Segment>.Builder ordered = ImmutableArray.CreateBuilder<Segment>(segments.Count);
        while (ready.TryDequeue(out int next, out _))
        {
            ordered.Add(segments[next]);
            foreach (int follower in followers[next])
                if (--waiting[follower] == 0)
                    ready.Enqueue(follower, index.PositionOf(segments[follower].Nodes[0]));
        }
        return (ordered.ToImmutable(), [.. segments.Where((_, s) => waiting[s] > 0)]);
    }
}
