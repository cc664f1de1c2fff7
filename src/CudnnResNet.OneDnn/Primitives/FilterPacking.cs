using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// The way of a weight from the layout and type it is kept in to those a primitive wants: a reorder, two reorders where
/// oneDNN has none between the two layouts, or nothing where they are the same.
/// </summary>
internal sealed unsafe class FilterPacking
{
    private readonly PrimitiveFactory _factory;
    private readonly DnnlMemoryDescriptor _kept;
    private readonly DnnlMemoryDescriptor _between;
    private readonly CompiledPrimitive? _first;
    private readonly CompiledPrimitive? _last;
    private readonly long _betweenOffset;
    private readonly long _firstScratchpadOffset;
    private readonly long _lastScratchpadOffset;

    /// <param name="factory">Compiles the reorders.</param>
    /// <param name="kept">How the weight is kept.</param>
    /// <param name="wanted">How the primitive wants it.</param>
    /// <param name="between">A layout to go through where there is no direct way.</param>
    internal FilterPacking(
        PrimitiveFactory factory, DnnlMemoryDescriptor kept, DnnlMemoryDescriptor wanted, DnnlMemoryDescriptor between)
    {
        _factory = factory;
        _kept = kept;
        _between = between;
        Wanted = wanted;
        if (Formats.AreEqual(kept, wanted))
            return;
        WorkspaceLayout layout = default;
        _last = factory.TryCompileReorder(kept, wanted);
        if (_last is null)
        {
            _first = factory.CompileReorder(kept, between);
            _last = factory.CompileReorder(between, wanted);
            _betweenOffset = layout.Reserve(Formats.Bytes(between));
            _firstScratchpadOffset = layout.Reserve(_first.ScratchpadBytes);
        }
        _lastScratchpadOffset = layout.Reserve(_last.ScratchpadBytes);
        WorkspaceBytes = layout.Bytes;
    }

    internal DnnlMemoryDescriptor Wanted { get; }

    internal bool IsNeeded => _last is not null;

    /// <summary>Bytes of the packed weight.</summary>
    internal long Bytes => IsNeeded ? Formats.Bytes(Wanted) : 0;

    internal long WorkspaceBytes { get; }

    /// <summary>Null where nothing needs to be done.</summary>
    internal LoadedKernel? Bind(byte* kept, byte* packed, byte* workspace)
    {
        if (_last is null)
            return null;
        if (_first is null)
            return Reorder(_last, _kept, kept, Wanted, packed, workspace + _lastScratchpadOffset);
        byte* between = workspace + _betweenOffset;
        return new LoadedSequence(null,
            Reorder(_first, _kept, kept, _between, between, workspace + _firstScratchpadOffset),
            Reorder(_last, _between, between, Wanted, packed, workspace + _lastScratchpadOffset));
    }

    private BoundPrimitive Reorder(CompiledPrimitive reorder,
        DnnlMemoryDescriptor fromFormat, byte* from, DnnlMemoryDescriptor toFormat, byte* to, byte* scratchpad) =>
        new BoundPrimitive(_factory, reorder)
            .With(DnnlConstants.DNNL_ARG_FROM, fromFormat, from)
            .With(DnnlConstants.DNNL_ARG_TO, toFormat, to)
            .WithScratchpad(scratchpad);
}
