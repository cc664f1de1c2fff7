using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Native;

/// <summary>native/cpu/include/cudnnresnet_cpu.h.</summary>
internal static unsafe partial class CpuLibrary
{
    internal const string Library = "cudnnresnet_cpu";

    [LibraryImport(Library)]
    internal static partial byte* crn_version();

    [LibraryImport(Library)]
    internal static partial CpuFeatures crn_features();

    [LibraryImport(Library)]
    internal static partial double crn_peak_operations(int threads, CpuFeatures features, int bf16);

    [LibraryImport(Library)]
    internal static partial double crn_peak_bandwidth(int threads, byte* memory, long bytes);

    [LibraryImport(Library)]
    internal static partial long crn_wgrad_bf16_workspace(CpuConvolution* g, int threads);

    [LibraryImport(Library)]
    internal static partial void crn_wgrad_bf16(
        CpuConvolution* g, int threads, byte* x, byte* dy, float* dw, byte* workspace);

    [LibraryImport(Library)]
    internal static partial long crn_wgrad_amx_workspace(CpuConvolution* g, int threads);

    [LibraryImport(Library)]
    internal static partial void crn_wgrad_amx(
        CpuConvolution* g, int threads, byte* x, byte* dy, float* dw, byte* workspace);

    [LibraryImport(Library)]
    internal static partial long crn_winograd_packed_bytes(CpuWinogradProblem* problem);

    [LibraryImport(Library)]
    internal static partial long crn_winograd_workspace_bytes(CpuWinogradProblem* problem);

    [LibraryImport(Library)]
    internal static partial void crn_winograd_pack(
        CpuWinogradProblem* problem, float* filter, int backward, float* packed);

    [LibraryImport(Library)]
    internal static partial void crn_winograd_run(CpuWinogradProblem* problem, byte* x, float* packed, float* bias,
        byte* other, int relu, byte* y, byte* workspace);

    [LibraryImport(Library)]
    internal static partial long crn_product_packed_bytes(CpuProductProblem* problem);

    [LibraryImport(Library)]
    internal static partial long crn_product_workspace_bytes(CpuProductProblem* problem);

    [LibraryImport(Library)]
    internal static partial void crn_product_pack(CpuProductProblem* problem, float* filter, float* packed);

    [LibraryImport(Library)]
    internal static partial void crn_product_run(CpuProductProblem* problem, float* x, float* packed, float* bias,
        float* other, int relu, float* y, byte* workspace);

    [LibraryImport(Library)]
    internal static partial long crn_direct_packed_bytes(CpuDirectProblem* problem);

    [LibraryImport(Library)]
    internal static partial long crn_direct_workspace_bytes(CpuDirectProblem* problem);

    [LibraryImport(Library)]
    internal static partial void crn_direct_pack(CpuDirectProblem* problem, float* filter, int backward, byte* packed);

    [LibraryImport(Library)]
    internal static partial void crn_direct_run(CpuDirectProblem* problem, CpuDirectOperands* operands, byte* workspace);

    [LibraryImport(Library)]
    internal static partial long crn_bottleneck_packed_bytes(CpuBottleneckProblem* problem);

    [LibraryImport(Library)]
    internal static partial long crn_bottleneck_workspace_bytes(CpuBottleneckProblem* problem);

    [LibraryImport(Library)]
    internal static partial void crn_bottleneck_pack(CpuBottleneckProblem* problem, float** filters, byte* packed);

    [LibraryImport(Library)]
    internal static partial void crn_bottleneck_run(CpuBottleneckProblem* problem, byte* x, byte* packed, float** biases,
        byte* other, int relu, byte* y, byte* workspace);
}
