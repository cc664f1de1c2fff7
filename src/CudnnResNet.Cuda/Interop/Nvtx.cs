using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of nvToolsExt.h that mark ranges for NVIDIA's profilers. They answer the depth of the range, which may be anything.</summary>
internal static unsafe partial class Nvtx
{
    internal const string Library = "nvtx";

    [LibraryImport(Library)]
    internal static partial int nvtxRangePushA(byte* message);

    [LibraryImport(Library)]
    internal static partial int nvtxRangePop();
}
