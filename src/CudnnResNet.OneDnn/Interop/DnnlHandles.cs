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
