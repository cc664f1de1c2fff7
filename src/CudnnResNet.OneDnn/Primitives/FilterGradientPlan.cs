using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>A primitive that makes a filter's gradient, and its way from oneDNN's layout to that of the parameters.</summary>
internal sealed unsafe class FilterGradientPlan
{
    private readonly PrimitiveFactory _factory;
    private readonly DnnlMemoryDescriptor _kept;
    private readonly DnnlMemoryDescriptor _native;
    private readonly CompiledPrimitive? _unpacking;
    private readonly long _scratchpadOffset;
    private readonly long _nativeOffset;
    private readonly long _unpackingScratchpadOffset;

    internal FilterGradientPlan(PrimitiveFactory factory, CompiledPrimitive primitive, DnnlMemoryDescriptor kept)
    {
        _factory = factory;
        _kept = kept;
        _native = primitive.Format(dnnl_query_t.dnnl_query_diff_weights_md);
        Primitive = primitive;
        WorkspaceLayout layout = default;
        _scratchpadOffset = layout.Reserve(primitive.ScratchpadBytes);
        if (!Formats.AreEqual(_native, kept))
        {
            _unpacking = factory.CompileReorder(_native, kept);
            _nativeOffset = layout.Reserve(Formats.Bytes(_native));
            _unpackingScratchpadOffset = layout.Reserve(_unpacking.ScratchpadBytes);
        }
        WorkspaceBytes = layout.Bytes;
    }

    internal CompiledPrimitive Primitive { get; }

    internal long WorkspaceBytes { get; }

    /// <summary>Adds gradient and scratchpad to the operands of <paramref name="main"/>.</summary>
    /// <param name="main">The primitive, with its inputs bound.</param>
    /// <param name="at">Where the workspace lies.</param>
    /// <param name="dw">Where the gradient is to end up.</param>
    /// <param name="unpacking">What must run after it; null where it writes the right layout itself.</param>
    internal BoundPrimitive Bind(BoundPrimitive main, OperandAddresses at, byte* dw, out LoadedKernel? unpacking)
    {
        byte* native = _unpacking is null ? dw : at.Workspace(_nativeOffset);
        unpacking = _unpacking is null
            ? null
            : new BoundPrimitive(_factory, _unpacking)
                .With(DnnlConstants.DNNL_ARG_FROM, _native, native)
                .With(DnnlConstants.DNNL_ARG_TO, _kept, dw)
                .WithScratchpad(at.Workspace(_unpackingScratchpadOffset));
        return main
            .With(DnnlConstants.DNNL_ARG_DIFF_WEIGHTS, _native, native)
            .WithScratchpad(at.Workspace(_scratchpadOffset));
    }
}
