namespace CudnnResNet.OneDnn.Interop;

/// <summary>Enumerators whose values differ in oneDNN 3.</summary>
internal static class Dnnl2Constants
{
    internal const int dnnl_format_tag_any = 1;
    internal const int dnnl_a = 2;
    internal const int dnnl_ab = 3;
    internal const int dnnl_oihw = 5;
    internal const int dnnl_nhwc = 20;
    internal const int dnnl_ohwi = 20;

    internal const int dnnl_eltwise_relu = 31;

    internal const int dnnl_cpu_isa_all = 0x0;
    internal const int dnnl_cpu_isa_sse41 = 0x1;
    internal const int dnnl_cpu_isa_avx = 0x3;
    internal const int dnnl_cpu_isa_avx2 = 0x7;
    internal const int dnnl_cpu_isa_avx2_vnni = 0x407;
    internal const int dnnl_cpu_isa_avx512_core = 0x27;
    internal const int dnnl_cpu_isa_avx512_core_vnni = 0x67;
    internal const int dnnl_cpu_isa_avx512_core_bf16 = 0xe7;
    internal const int dnnl_cpu_isa_avx512_core_amx = 0x3e7;
}
