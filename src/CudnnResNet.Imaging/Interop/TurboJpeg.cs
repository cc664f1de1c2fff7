using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>The functions of turbojpeg.h (libjpeg-turbo 2 and 3) that are called, name for name.</summary>
internal static unsafe partial class TurboJpeg
{
    internal const string Library = "turbojpeg";

    internal const int TJPF_RGB = 0;
    internal const int TJPF_CMYK = 11;

    internal const int TJCS_CMYK = 3;
    internal const int TJCS_YCCK = 4;

    internal const int TJFLAG_LIMITSCANS = 32768;

    internal const int TJERR_WARNING = 0;

    internal const int TJSAMP_420 = 2;

    [LibraryImport(Library)]
    internal static partial TurboJpegHandle tjInitCompress();

    [LibraryImport(Library)]
    internal static partial int tjCompress2(TurboJpegHandle handle, byte* srcBuf, int width, int pitch, int height,
        int pixelFormat, byte** jpegBuf, CULong* jpegSize, int jpegSubsamp, int jpegQual, int flags);

    [LibraryImport(Library)]
    internal static partial void tjFree(byte* buffer);

    [LibraryImport(Library)]
    internal static partial TurboJpegHandle tjInitDecompress();

    [LibraryImport(Library)]
    internal static partial int tjDestroy(nint handle);

    [LibraryImport(Library)]
    internal static partial int tjDecompressHeader3(TurboJpegHandle handle, byte* jpegBuf, CULong jpegSize,
        int* width, int* height, int* jpegSubsamp, int* jpegColorspace);

    [LibraryImport(Library)]
    internal static partial int tjDecompress2(TurboJpegHandle handle, byte* jpegBuf, CULong jpegSize,
        byte* dstBuf, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library)]
    internal static partial byte* tjGetErrorStr2(TurboJpegHandle handle);

    [LibraryImport(Library)]
    internal static partial int tjGetErrorCode(TurboJpegHandle handle);
}

/// <summary>Owns a tjhandle.</summary>
internal sealed class TurboJpegHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => TurboJpeg.tjDestroy(handle) == 0;
}
