using CudnnResNet.OneDnn.Interop;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// The way of a weight from the layout and type it is kept in to those a primitive wants: a reorder, or nothing where
/// they are the same.
/// </summary>
internal sealed unsafe class FilterPacking
{
    private readonly PrimitiveFactory _factory;
    private readonly dnnl_memory_desc_t _kept;
    private readonly CompiledPrimitive? _reorder;

    internal FilterPacking(PrimitiveFactory factory, dnnl_memory_desc_t kept, dnnl_memory_desc_t wanted)
    {
        _factory = factory;
        _kept = kept;
        Wanted = wanted;
        if (!Formats.AreEqual(kept, wanted))
            _reorder = factory.CompileReorder(kept, wanted);
    }

    internal dnnl_memory_desc_t Wanted { get; }

    internal bool IsNeeded => _reorder is not null;

    internal long Bytes => IsNeeded ? Formats.Bytes(Wanted) : 0;

    internal long ScratchpadBytes => _reorder?.ScratchpadBytes ?? 0;

    internal string Implementation => _reorder?.Implementation ?? "none";

    /// <summary>Null where nothing needs to be done.</summary>
    internal BoundPrimitive? Bind(byte* kept, byte* packed, byte* scratchpad) => _reorder is null
        ? null
        : new BoundPrimitive(_factory, _reorder)
            .With(DnnlConstants.DNNL_ARG_FROM, _kept, kept)
            .With(DnnlConstants.DNNL_ARG_TO, Wanted, packed)
            .With(DnnlConstants.DNNL_ARG_SCRATCHPAD, _reorder.Format(dnnl_query_t.dnnl_query_scratchpad_md), scratchpad);
}
