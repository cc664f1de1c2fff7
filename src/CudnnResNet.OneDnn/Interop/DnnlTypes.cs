using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>oneDNN 2's: filled by dnnl_memory_desc_init_by_tag or copied from a query. In oneDNN 3 it is the library's own.</summary>
[StructLayout(LayoutKind.Sequential, Size = 696)]
internal struct dnnl_memory_desc_t
{
    private readonly long _opaque;
}

/// <summary>oneDNN 2's.</summary>
[StructLayout(LayoutKind.Sequential, Size = 5976)]
internal struct dnnl_convolution_desc_t
{
    private readonly long _opaque;
}

/// <summary>oneDNN 2's.</summary>
[StructLayout(LayoutKind.Sequential, Size = 5584)]
internal struct dnnl_inner_product_desc_t
{
    private readonly long _opaque;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct dnnl_version_t
{
    internal int major;
    internal int minor;
    internal int patch;
    internal byte* hash;
    internal uint cpu_runtime;
    internal uint gpu_runtime;
}

/// <summary>A memory object that somebody else owns.</summary>
internal readonly record struct dnnl_memory_t(nint Value);

[StructLayout(LayoutKind.Sequential)]
internal struct dnnl_exec_arg_t
{
    internal int arg;
    internal dnnl_memory_t memory;
}
