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
}
