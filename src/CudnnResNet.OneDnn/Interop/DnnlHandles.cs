using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>One owner for each native object of oneDNN.</summary>
internal abstract class DnnlHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;
}

internal sealed class DnnlEngine : DnnlHandle
{
    protected override bool ReleaseHandle() => Dnnl.dnnl_engine_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlStream : DnnlHandle
{
    protected override bool ReleaseHandle() => Dnnl.dnnl_stream_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlMemory : DnnlHandle
{
    /// <summary>For argument lists; this handle must outlive them.</summary>
    internal dnnl_memory_t Borrow() => new(handle);

    protected override bool ReleaseHandle() => Dnnl.dnnl_memory_destroy(handle) == dnnl_status_t.dnnl_success;
}

/// <summary>Shape, type and layout of an operand. Both versions of oneDNN pass a pointer to it; who made it differs.</summary>
internal abstract class DnnlMemoryDescriptor : DnnlHandle
{
    /// <summary>Passes NULL where the C API takes an optional descriptor.</summary>
    internal static DnnlMemoryDescriptor None { get; } = new DnnlMemoryDescriptor3(0);
}

/// <summary>A dnnl_memory_desc_t in native memory of ours.</summary>
internal sealed unsafe class DnnlMemoryDescriptor2 : DnnlMemoryDescriptor
{
    /// <summary>Blank, to be filled.</summary>
    internal DnnlMemoryDescriptor2() => SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(dnnl_memory_desc_t)));

    internal DnnlMemoryDescriptor2(dnnl_memory_desc_t* original)
        : this() => *(dnnl_memory_desc_t*)handle = *original;

    protected override bool ReleaseHandle()
    {
        NativeMemory.Free((void*)handle);
        return true;
    }
}

/// <summary>A descriptor that oneDNN 3 made for us.</summary>
internal sealed class DnnlMemoryDescriptor3 : DnnlMemoryDescriptor
{
    internal DnnlMemoryDescriptor3(nint created) => SetHandle(created);

    protected override bool ReleaseHandle() => Dnnl3.dnnl_memory_desc_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlAttributes : DnnlHandle
{
    protected override bool ReleaseHandle() => Dnnl.dnnl_primitive_attr_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlPostOps : DnnlHandle
{
    protected override bool ReleaseHandle() => Dnnl.dnnl_post_ops_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlPrimitiveDescriptor : DnnlHandle
{
    /// <summary>Passes NULL where the C API takes an optional descriptor.</summary>
    internal static DnnlPrimitiveDescriptor None { get; } = new();

    protected override bool ReleaseHandle() => Dnnl.dnnl_primitive_desc_destroy(handle) == dnnl_status_t.dnnl_success;
}

internal sealed class DnnlPrimitive : DnnlHandle
{
    protected override bool ReleaseHandle() => Dnnl.dnnl_primitive_destroy(handle) == dnnl_status_t.dnnl_success;
}
