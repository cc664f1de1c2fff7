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
    internal static partial long crn_wgrad_bf16_workspace(CpuConvolution* g, int threads);

    [LibraryImport(Library)]
    internal static partial void crn_wgrad_bf16(
        CpuConvolution* g, int threads, byte* x, byte* dy, float* dw, byte* workspace);
}
