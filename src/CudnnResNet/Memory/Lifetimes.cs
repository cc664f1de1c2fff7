using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Memory;

/// <summary>How long a block of memory is in use, in steps of the schedule; a workspace has no values.</summary>
internal sealed record Lifetime(
    ImmutableArray<ValueId> Values, string Name, int FirstStep, int LastStep, long Bytes);

/// <summary>
/// Finds the lifetimes of a schedule. Where a kernel may write a result over an operand that is read for the last
/// time, the two are one block.
/// </summary>
internal static class Lifetimes
{
    public static List<Lifetime> Of(ScheduledGraph scheduled)
    {
        (Dictionary<ValueId, int> first, Dictionary<ValueId, int> last) = Uses(scheduled);
        Dictionary<ValueId, ValueId> takesOver = InPlace(scheduled, last);
        HashSet<ValueId> takenOver = [.. takesOver.Values];

        List<Lifetime> lifetimes = [];
        foreach (ValueId end in first.Keys.Where(id => !takenOver.Contains(id)))
        {
            List<ValueId> values = [end];
            while (takesOver.TryGetValue(values[0], out ValueId earlier))
                values.Insert(0, earlier);
            lifetimes.Add(new Lifetime([.. values], scheduled.Graph[values[0]].Name, first[values[0]], last[end],
                values.Max(id => scheduled.Graph[id].Bytes)));
        }
        for (int step = 0; step < scheduled.Segments.Length; step++)
        {
            Segment segment = scheduled.Segments[step];
            long bytes = segment.Kernel.WorkspaceBytes(segment.Problem);
            if (bytes > 0)
                lifetimes.Add(new Lifetime([], $"{segment.Nodes[0].Scope} workspace", step, step, bytes));
        }
        return lifetimes;
    }

    private static (Dictionary<ValueId, int> First, Dictionary<ValueId, int> Last) Uses(ScheduledGraph scheduled)
    {
        Dictionary<ValueId, int> first = [];
        Dictionary<ValueId, int> last = [];
        (int begin, int end) = (0, 0);
        for (int step = 0; step < scheduled.Segments.Length; step++)
        {
            Segment segment = scheduled.Segments[step];
            if (step == end)
                (begin, end) = (step, GroupEnd(scheduled, step));
            foreach (ValueId local in segment.Problem.Outputs)
            {
                first.TryAdd(segment.Bound[local], begin);
                last[segment.Bound[local]] = end - 1;
            }
            foreach (ValueId local in segment.Problem.Inputs)
                if (!scheduled.Graph[segment.Bound[local]].IsPersistent)
                    last[segment.Bound[local]] = end - 1;
        }
        foreach (ValueId id in scheduled.Graph.Outputs)
            last[id] = scheduled.Segments.Length - 1;
        return (first, last);
    }

    /// <summary>
    /// A group is done at once: what it makes is there from its first step on, what it reads until its last. Where it makes
    /// nothing, nothing can come to lie on what it has read, and steps may end one by one.
    /// </summary>
    private static int GroupEnd(ScheduledGraph scheduled, int begin) => scheduled.Segments[begin].Problem.Outputs.IsEmpty
        ? begin + 1
        : SegmentGroups.EndOf(scheduled.Segments, begin);

    /// <summary>For each value that is written over another one: that other one.</summary>
    private static Dictionary<ValueId, ValueId> InPlace(ScheduledGraph scheduled, Dictionary<ValueId, int> last)
    {
        Dictionary<ValueId, ValueId> takesOver = [];
        // Whoever reads the graph's outputs does so after the last step.
        HashSet<ValueId> takenOver = [.. scheduled.Graph.Outputs];
        for (int step = 0; step < scheduled.Segments.Length; step++)
        {
            Segment segment = scheduled.Segments[step];
            foreach (ValueId output in segment.Problem.Outputs)
            {
                if (segment.Kernel.MayOverwrite(segment.Problem, output) is not { } input)
                    continue;
                ValueId from = segment.Bound[input];
                Value source = scheduled.Graph[from];
                if (!source.IsPersistent && last[from] == step
                    && source.Bytes == scheduled.Graph[segment.Bound[output]].Bytes && takenOver.Add(from))
                    takesOver.Add(segment.Bound[output], from);
            }
        }
        return takesOver;
    }
}
