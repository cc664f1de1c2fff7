using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Memory;

/// <summary>Gives every value and workspace of a scheduled graph a fixed place, from their lifetimes.</summary>
public static class MemoryPlanner
{
    /// <param name="scheduled">What is to be run.</param>
    /// <param name="runsUnderWay">Runs that may be under way at once, each with inputs of its own.</param>
    public static MemoryPlan Plan(ScheduledGraph scheduled, int runsUnderWay = 1)
    {
        LayerGraph graph = scheduled.Graph;
        long persistentBytes = 0;
        Region NextPersistent(long bytes)
        {
            Region region = new(persistentBytes, bytes);
            persistentBytes += Region.Align(bytes);
            return region;
        }

        ImmutableDictionary<ValueId, Region>.Builder persistent = ImmutableDictionary.CreateBuilder<ValueId, Region>();
        foreach (Value value in graph.Values)
            if (value.IsPersistent)
                persistent.Add(value.Id, NextPersistent(value.Bytes));
        ImmutableArray<ImmutableDictionary<ValueId, Region>> furtherInputs = [.. Enumerable.Range(1, runsUnderWay - 1).Select(_ =>
            graph.WithRole(ValueRole.Input).ToImmutableDictionary(value => value.Id, value => NextPersistent(value.Bytes)))];
        ImmutableArray<Region> packed =
            [.. scheduled.Segments.Select(segment => NextPersistent(segment.Kernel.PackedBytes(segment.Problem)))];

        List<Lifetime> lifetimes = Lifetimes.Of(scheduled);
        ImmutableArray<Allocation> transient = Place(lifetimes);
        return new MemoryPlan
        {
            Persistent = persistent.ToImmutable(),
            FurtherInputs = furtherInputs,
            Packed = packed,
            Transient = transient,
            Workspace = WorkspaceBySegment(scheduled, lifetimes, transient),
            PersistentBytes = persistentBytes,
            TransientBytes = transient.Select(a => a.Region.OffsetBytes + Region.Align(a.Region.Bytes))
                .DefaultIfEmpty(0).Max(),
            LowerBoundBytes = LowerBound(lifetimes, scheduled.Segments.Length),
            WithoutReuseBytes = graph.Values.Where(value => !value.IsPersistent && IsMade(scheduled, value.Id))
                .Sum(value => Region.Align(value.Bytes))
                + lifetimes.Where(lifetime => lifetime.Values.IsEmpty).Sum(lifetime => Region.Align(lifetime.Bytes)),
        };
    }

    /// <summary>
    /// Best fit, tried over several orders (largest first, longest-lived first, in order of time); the tightest wins.
    /// Placing the largest first is the rule of Pisarchyk and Lee, arXiv 2001.03288.
    /// </summary>
    private static ImmutableArray<Allocation> Place(List<Lifetime> lifetimes)
    {
        IEnumerable<Lifetime>[] orders =
        [
            lifetimes.OrderByDescending(l => l.Bytes).ThenBy(l => l.FirstStep),
            lifetimes.OrderByDescending(l => l.Bytes * (l.LastStep - l.FirstStep + 1)),
            lifetimes.OrderByDescending(l => l.LastStep - l.FirstStep).ThenByDescending(l => l.Bytes),
            lifetimes.OrderBy(l => l.FirstStep).ThenByDescending(l => l.LastStep),
        ];
        return orders.Select(PlaceInOrder).MinBy(placed =>
            placed.Select(a => a.Region.OffsetBytes + a.Region.Bytes).DefaultIfEmpty(0).Max());
    }

    private static ImmutableArray<Allocation> PlaceInOrder(IEnumerable<Lifetime> order)
    {
        // Sorted by offset, so that the gaps between those that live at the same time can be walked once.
        List<Allocation> placed = [];
        foreach (Lifetime lifetime in order)
        {
            long bytes = Region.Align(lifetime.Bytes);
            long bestOffset = -1;
            long bestGap = long.MaxValue;
            long end = 0;
            foreach (Allocation other in placed)
            {
                if (other.LastStep < lifetime.FirstStep || other.FirstStep > lifetime.LastStep)
                    continue;
                long gap = other.Region.OffsetBytes - end;
                if (gap >= bytes && gap < bestGap)
                    (bestOffset, bestGap) = (end, gap);
                end = Math.Max(end, other.Region.OffsetBytes + Region.Align(other.Region.Bytes));
            }
            long offset = bestOffset >= 0 ? bestOffset : end;
            Allocation allocation = new(lifetime.Values, lifetime.Name, lifetime.FirstStep, lifetime.LastStep,
                new Region(offset, lifetime.Bytes));
            int at = placed.FindIndex(other => other.Region.OffsetBytes > offset);
            placed.Insert(at < 0 ? placed.Count : at, allocation);
        }
        return [.. placed];
    }

    private static long LowerBound(List<Lifetime> lifetimes, int steps)
    {
        long[] change = new long[steps + 1];
        foreach (Lifetime lifetime in lifetimes)
        {
            change[lifetime.FirstStep] += Region.Align(lifetime.Bytes);
            change[lifetime.LastStep + 1] -= Region.Align(lifetime.Bytes);
        }
        long live = 0;
        long most = 0;
        foreach (long delta in change)
            most = Math.Max(most, live += delta);
        return most;
    }

    private static ImmutableArray<Region> WorkspaceBySegment(
        ScheduledGraph scheduled, List<Lifetime> lifetimes, ImmutableArray<Allocation> transient)
    {
        Dictionary<int, Region> byStep = transient.Where(allocation => allocation.Values.IsEmpty)
            .ToDictionary(allocation => allocation.FirstStep, allocation => allocation.Region);
        System.Diagnostics.Debug.Assert(byStep.Count == lifetimes.Count(lifetime => lifetime.Values.IsEmpty));
        return [.. Enumerable.Range(0, scheduled.Segments.Length).Select(step => byStep.GetValueOrDefault(step))];
    }

    private static bool IsMade(ScheduledGraph scheduled, ValueId id) =>
        scheduled.Segments.Any(segment => segment.Problem.Outputs.Any(local => segment.Bound[local] == id));
}
