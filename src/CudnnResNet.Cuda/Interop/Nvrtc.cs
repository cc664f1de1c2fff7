using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of nvrtc.h that the backend calls, name for name.</summary>
internal static unsafe partial class Nvrtc
{
    internal const string Library = "nvrtc";

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcVersion(out int major, out int minor);

    [LibraryImport(Library)]
    internal static partial byte* nvrtcGetErrorString(nvrtcResult result);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetNumSupportedArchs(out int numArchs);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetSupportedArchs(int* supportedArchs);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcCreateProgram(out nvrtcProgram prog, byte* src, byte* name,
        int numHeaders, byte** headers, byte** includeNames);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcDestroyProgram(ref nvrtcProgram prog);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcCompileProgram(nvrtcProgram prog, int numOptions, byte** options);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetCUBINSize(nvrtcProgram prog, out nuint cubinSizeRet);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetCUBIN(nvrtcProgram prog, byte* cubin);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram prog, out nuint logSizeRet);

    [LibraryImport(Library)]
    internal static partial nvrtcResult nvrtcGetProgramLog(nvrtcProgram prog, byte* log);
}
