namespace CudnnResNet.OneDnn.Interop;

/// <summary>Enumerators whose values differ in oneDNN 2, and those that it lacks.</summary>
internal static class Dnnl3Constants
{
    internal const int dnnl_format_tag_any = 1;
    internal const int dnnl_a = 2;
    internal const int dnnl_ab = 3;
    internal const int dnnl_oihw = 5;
    internal const int dnnl_nhwc = 22;
    internal const int dnnl_ohwi = 22;

    internal const int dnnl_data_type_undef = 0;

    internal const int dnnl_eltwise_relu = 32;

    internal const int dnnl_cpu_isa_default = 0x0;
    internal const int dnnl_cpu_isa_sse41 = 0x1;
    internal const int dnnl_cpu_isa_avx = 0x3;
    internal const int dnnl_cpu_isa_avx2 = 0x7;
    internal const int dnnl_cpu_isa_avx2_vnni = 0xf;
    internal const int dnnl_cpu_isa_avx2_vnni_2 = 0x1f;
    internal const int dnnl_cpu_isa_avx512_core = 0x27;
    internal const int dnnl_cpu_isa_avx512_core_vnni = 0x67;
    internal const int dnnl_cpu_isa_avx512_core_bf16 = 0xe7;
    internal const int dnnl_cpu_isa_avx512_core_fp16 = 0x1ef;
    internal const int dnnl_cpu_isa_avx512_core_amx = 0xfef;
    internal const int dnnl_cpu_isa_avx512_core_amx_fp16 = 0x1fef;
}
