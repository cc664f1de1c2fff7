using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// Where a kernel keeps a filter that it packs: a constant one in memory of its own, another behind what else it works
/// in, where every run packs it anew.
/// </summary>
/// <param name="Workspace">Bytes of what else it works in.</param>
/// <param name="Filter">Bytes of the packed filter.</param>
/// <param name="IsPackedOnce">The filter is constant.</param>
internal readonly record struct FilterPlace(long Workspace, long Filter, bool IsPackedOnce)
{
    internal long WorkspaceBytes => Region.Align(Workspace) + (IsPackedOnce ? 0 : Region.Align(Filter));

    internal long PackedBytes => IsPackedOnce ? Region.Align(Filter) : 0;

    internal unsafe byte* Address(OperandAddresses at) => IsPackedOnce ? at.Packed() : at.Workspace(Region.Align(Workspace));
}
