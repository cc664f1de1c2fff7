using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Kernels;

/// <summary>
/// Where a problem's operands lie. Regions are indexed by the problem's value ids; a value that stays inside the
/// kernel has an empty region.
/// </summary>
public sealed record KernelArguments(Arena Arena, ImmutableArray<Region> Values, Region Workspace, Region Packed)
{
    public Region this[ValueId id] => Values[id.Index];
}
