using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Scheduling;

/// <summary>Segments that follow each other and one loaded kernel does: the updates of all parameters, or their norms.</summary>
internal static class SegmentGroups
{
    /// <summary>
    /// Behind the last segment that is loaded together with the one at <paramref name="begin"/>: all have one kernel and
    /// one group, and none reads what another changes or makes. What all of them change, a flag, the kernel answers for.
    /// </summary>
    public static int EndOf(ImmutableArray<Segment> segments, int begin)
    {
        Kernel kernel = segments[begin].Kernel;
        int end = begin + 1;
        if (kernel.GroupOf(segments[begin].Problem) is not { } group)
            return end;
        HashSet<ValueId> read = [], changed = [];
        Add(segments[begin]);
        for (; end < segments.Length && segments[end].Kernel == kernel && kernel.GroupOf(segments[end].Problem) == group; end++)
        {
            if (Read(segments[end]).Any(changed.Contains) || Changed(segments[end]).Any(read.Contains))
                break;
            Add(segments[end]);
        }
        return end;

        void Add(Segment segment)
        {
            read.UnionWith(Read(segment));
            changed.UnionWith(Changed(segment));
        }
    }

    /// <summary>Loads a group into the place of its first segment; those of the others do nothing.</summary>
    public static void Load(ImmutableArray<Segment> segments, int begin, int end,
        Func<int, KernelArguments> argumentsOf, LoadedKernel[] kernels)
    {
        Problem[] problems = new Problem[end - begin];
        KernelArguments[] arguments = new KernelArguments[problems.Length];
        for (int i = 0; i < problems.Length; i++)
        {
            problems[i] = segments[begin + i].Problem;
            arguments[i] = argumentsOf(begin + i);
            if (arguments[i].Packed.Bytes > 0)
                throw new InvalidOperationException($"'{problems[i]}' packs weights and cannot be done in a group.");
        }
        kernels[begin] = segments[begin].Kernel.LoadGroup(problems, arguments);
        for (int i = begin + 1; i < end; i++)
            kernels[i] = new Member();
    }

    private static IEnumerable<ValueId> Changed(Segment segment) => segment.Nodes.SelectMany(node =>
        OperationTable.Of(node.Operation).MutatedInputs.Select(slot => node.Inputs[slot]).Concat(node.Outputs));

    private static IEnumerable<ValueId> Read(Segment segment) =>
        segment.Nodes.SelectMany(node => node.Inputs).Except(Changed(segment));

    private sealed class Member : LoadedKernel
    {
        public override void Run() { }
    }
}
