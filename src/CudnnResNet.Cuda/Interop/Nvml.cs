using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of nvml.h that <c>doctor</c> asks, name for name.</summary>
internal static unsafe partial class Nvml
{
    internal const string Library = "nvidia-ml";

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlInit_v2();

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlShutdown();

    [LibraryImport(Library)]
    internal static partial byte* nvmlErrorString(nvmlReturn_t result);

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(byte* pciBusId, out nvmlDevice_t device);

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, out uint clock);

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t type, out uint clock);

    [LibraryImport(Library)]
    internal static partial nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, out nvmlMemory_t memory);
}
