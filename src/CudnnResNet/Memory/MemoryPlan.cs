using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Memory;

/// <summary>A stretch of the arena that one value, or several that take each other's place, occupies for some steps.</summary>
/// <param name="Values">The values that share the memory one after the other; none for workspace.</param>
/// <param name="Name">The first value's name, or the segment whose workspace it is.</param>
/// <param name="FirstStep">The step that writes it first.</param>
/// <param name="LastStep">The last step that uses it.</param>
/// <param name="Region">Where it lies; relative to the transient part of the arena.</param>
public sealed record Allocation(
    ImmutableArray<ValueId> Values, string Name, int FirstStep, int LastStep, Region Region);

/// <summary>
/// Where everything lies, before anything runs. Two parts: what lasts as long as the plan (inputs, parameters, state,
/// packed weights), and what lives for some steps of a run.
/// </summary>
public sealed record MemoryPlan
{
    /// <summary>Lasting values by id, relative to the persistent part.</summary>
    public required ImmutableDictionary<ValueId, Region> Persistent { get; init; }

    /// <summary>
    /// Where the inputs of further runs lie, by id and relative to the persistent part: each run that may be under way beside
    /// the first has inputs of its own. Empty where one run ends before the next begins.
    /// </summary>
    public ImmutableArray<ImmutableDictionary<ValueId, Region>> FurtherInputs { get; init; } = [];

    /// <summary>Packed weights of each segment, relative to the persistent part; empty where a kernel packs nothing.</summary>
    public required ImmutableArray<Region> Packed { get; init; }

    /// <summary>Everything that lives for some steps.</summary>
    public required ImmutableArray<Allocation> Transient { get; init; }

    /// <summary>Workspace of each segment, relative to the transient part.</summary>
    public required ImmutableArray<Region> Workspace { get; init; }

    public required long PersistentBytes { get; init; }

    /// <summary>What the transient part needs: the highest end of an allocation.</summary>
    public required long TransientBytes { get; init; }

    /// <summary>The largest sum of what is alive at one step: no placement needs less.</summary>
    public required long LowerBoundBytes { get; init; }

    /// <summary>What the transient part would take if nothing were reused.</summary>
    public required long WithoutReuseBytes { get; init; }

    public long PeakBytes => PersistentBytes + TransientBytes;

    /// <summary>Where a region of the transient part lies in the arena.</summary>
    public Region InArena(Region region) => region with { OffsetBytes = PersistentBytes + region.OffsetBytes };
}
