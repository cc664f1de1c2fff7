using CudnnResNet.OneDnn.Interop;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// A primitive of oneDNN, shared by all kernels that were loaded for equal problems. Its code is generated when it is
/// first needed, so that asking for sizes stays cheap.
/// </summary>
internal sealed class CompiledPrimitive(DnnlPrimitiveDescriptor descriptor) : IDisposable
{
    private DnnlPrimitive? _primitive;

    internal long ScratchpadBytes { get; } = ScratchpadBytesOf(descriptor);

    internal DnnlPrimitiveDescriptor Descriptor => descriptor;

    internal DnnlPrimitive Primitive
    {
        get
        {
            if (_primitive is null)
                Dnnl.dnnl_primitive_create(out _primitive, descriptor).ThrowIfFailed();
            return _primitive;
        }
    }

    /// <summary>The layout that the primitive chose for an operand.</summary>
    internal DnnlMemoryDescriptor Format(dnnl_query_t operand) => Format(descriptor, operand);

    public void Dispose()
    {
        _primitive?.Dispose();
        descriptor.Dispose();
    }

    private static long ScratchpadBytesOf(DnnlPrimitiveDescriptor descriptor)
    {
        using DnnlMemoryDescriptor format = Format(descriptor, dnnl_query_t.dnnl_query_scratchpad_md);
        return Formats.Bytes(format);
    }

    private static DnnlMemoryDescriptor Format(DnnlPrimitiveDescriptor descriptor, dnnl_query_t operand)
    {
        nint format = Dnnl.dnnl_primitive_desc_query_md(descriptor, operand, 0);
        return format != 0
            ? OneDnnVersion.Loaded.Copy(format)
            : throw new ArgumentOutOfRangeException(nameof(operand), operand, "The primitive has no such operand.");
    }
}
