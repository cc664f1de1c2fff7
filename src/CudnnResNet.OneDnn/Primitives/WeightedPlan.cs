using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// A primitive that reads a weight, and the packing of that weight. A constant weight is packed once into memory of its
/// own, another in every run into the workspace.
/// </summary>
internal sealed unsafe class WeightedPlan
{
    internal WeightedPlan(CompiledPrimitive primitive, FilterPacking packing, bool constantWeights)
    {
        Primitive = primitive;
        Packing = packing;
        IsPackedOnce = constantWeights && packing.IsNeeded;
        WorkspaceLayout layout = default;
        ScratchpadOffset = layout.Reserve(primitive.ScratchpadBytes);
        PackingWorkspaceOffset = layout.Reserve(packing.WorkspaceBytes);
        PackedOffset = layout.Reserve(IsPackedOnce ? 0 : packing.Bytes);
        WorkspaceBytes = layout.Bytes;
    }

    internal CompiledPrimitive Primitive { get; }

    internal FilterPacking Packing { get; }

    internal bool IsPackedOnce { get; }

    internal long WorkspaceBytes { get; }

    internal long PackedBytes => IsPackedOnce ? Packing.Bytes : 0;

    internal long ScratchpadOffset { get; }

    private long PackingWorkspaceOffset { get; }

    private long PackedOffset { get; }

    /// <summary>What <see cref="BindPacking"/> gave, at its time, and the steps that follow it in every run.</summary>
    internal LoadedKernel Sequence(LoadedKernel? packing, params ReadOnlySpan<LoadedKernel?> steps) =>
        IsPackedOnce ? new LoadedSequence(packing, steps) : new LoadedSequence(null, [packing, .. steps]);

    /// <summary>Binds the packing of the weight at <paramref name="kept"/>; null where it is read as it lies.</summary>
    /// <param name="at">Where workspace and packed weights lie.</param>
    /// <param name="kept">The weight as parameters keep it.</param>
    /// <param name="weight">Where the primitive finds it.</param>
    internal LoadedKernel? BindPacking(OperandAddresses at, byte* kept, out byte* weight)
    {
        weight = kept;
        if (!Packing.IsNeeded)
            return null;
        weight = IsPackedOnce ? at.Packed() : at.Workspace(PackedOffset);
        return Packing.Bind(kept, weight, at.Workspace(PackingWorkspaceOffset));
    }
}
