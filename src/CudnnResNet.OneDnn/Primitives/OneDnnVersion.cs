using CudnnResNet.OneDnn.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>How an operand lies in memory.</summary>
internal enum Layout
{
    /// <summary>As the primitive likes it best.</summary>
    Any,

    Vector,

    /// <summary>Row by row.</summary>
    Matrix,

    /// <summary>Activations NHWC, filters KRSC.</summary>
    ChannelsLast,

    /// <summary>Filters KCRS.</summary>
    Planar,
}

/// <summary>
/// What differs between the C APIs of oneDNN 2 and 3: 2 has structs that the caller fills and one function that makes
/// primitive descriptors of them, 3 has opaque objects and a function for each kind. Statuses are the caller's to check,
/// because "unimplemented" is an answer.
/// </summary>
internal abstract unsafe class OneDnnVersion
{
    /// <summary>That of the library that is loaded.</summary>
    internal static OneDnnVersion Loaded { get; } =
        Dnnl.dnnl_version()->major >= 3 ? new OneDnn3() : new OneDnn2();

    /// <summary>The widest instruction set that the library uses here, for example <c>avx512_core_bf16</c>.</summary>
    internal abstract string InstructionSet { get; }

    /// <summary>AVX-512 is there, alone or in a later set: sets are bits, of which later ones have all of the earlier.</summary>
    internal static bool ComputesBf16 =>
        // Version 2 has the same.
        (Dnnl.dnnl_get_effective_cpu_isa() & Dnnl3Constants.dnnl_cpu_isa_avx512_core) == Dnnl3Constants.dnnl_cpu_isa_avx512_core;

    internal abstract DnnlMemoryDescriptor Describe(DataType type, Layout layout, params ReadOnlySpan<long> dims);

    /// <summary>A copy of a descriptor that a primitive descriptor owns.</summary>
    internal abstract DnnlMemoryDescriptor Copy(nint borrowed);

    /// <summary>Adds what lies in the result's memory.</summary>
    internal abstract dnnl_status_t AppendSum(DnnlPostOps postOps);

    internal abstract dnnl_status_t AppendRelu(DnnlPostOps postOps);

    internal abstract dnnl_status_t ConvolutionForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_prop_kind_t kind, dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor w,
        DnnlMemoryDescriptor b, DnnlMemoryDescriptor y, int stride, int padding, DnnlAttributes attributes);

    internal abstract dnnl_status_t ConvolutionBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes);

    internal abstract dnnl_status_t ConvolutionBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        dnnl_alg_kind_t algorithm, DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy,
        int stride, int padding, DnnlPrimitiveDescriptor forward, DnnlAttributes attributes);

    internal abstract dnnl_status_t LinearForward(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor w, DnnlMemoryDescriptor b, DnnlMemoryDescriptor y,
        DnnlAttributes attributes);

    internal abstract dnnl_status_t LinearBackwardData(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor dx, DnnlMemoryDescriptor w, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes);

    internal abstract dnnl_status_t LinearBackwardFilter(out DnnlPrimitiveDescriptor created, DnnlEngine engine,
        DnnlMemoryDescriptor x, DnnlMemoryDescriptor dw, DnnlMemoryDescriptor dy, DnnlPrimitiveDescriptor forward,
        DnnlAttributes attributes);

    protected static dnnl_data_type_t NativeType(DataType type) => type switch
    {
        DataType.Float32 => dnnl_data_type_t.dnnl_f32,
        DataType.BFloat16 => dnnl_data_type_t.dnnl_bf16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "oneDNN's primitives take f32 and bf16 here."),
    };
}
