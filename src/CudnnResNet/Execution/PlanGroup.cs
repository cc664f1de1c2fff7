using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;

namespace CudnnResNet.Execution;

/// <summary>Plans that take turns in one block of memory, which the group owns; see <see cref="SharedBlock"/>.</summary>
public sealed class PlanGroup : IDisposable
{
    private readonly Arena _arena;

    private PlanGroup(Arena arena, ImmutableArray<ExecutionPlan> plans) => (_arena, Plans) = (arena, plans);

    public ImmutableArray<ExecutionPlan> Plans { get; }

    /// <summary>All memory of the plans.</summary>
    public long Bytes => _arena.Bytes;

    /// <param name="backend">The backend that the plans were compiled for.</param>
    /// <param name="plans">Each with its family: those of one family share their parameters and state.</param>
    public static PlanGroup Load(IBackend backend, IReadOnlyList<(string Family, CompiledGraph Plan)> plans)
    {
        SharedBlock block = SharedBlock.Of([.. plans.Select(plan => (plan.Family, plan.Plan.Graph, plan.Plan.Memory))]);
        Arena arena = backend.Allocate(block.Bytes);
        List<ExecutionPlan> loaded = [];
        try
        {
            for (int i = 0; i < plans.Count; i++)
                loaded.Add(ExecutionPlan.LoadInto(arena, plans[i].Plan, backend, block.Plans[i]));
            return new PlanGroup(arena, [.. loaded]);
        }
        catch
        {
            Dispose(loaded, arena);
            throw;
        }
    }

    public void Dispose() => Dispose(Plans, _arena);

    private static void Dispose(IEnumerable<ExecutionPlan> plans, Arena arena)
    {
        foreach (ExecutionPlan plan in plans)
            plan.Dispose();
        arena.Dispose();
    }
}
