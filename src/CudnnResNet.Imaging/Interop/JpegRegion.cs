using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>The functions of native/imaging/jpeg_region.c.</summary>
internal static unsafe partial class JpegRegion
{
    internal const string Library = "cudnnresnet_jpeg";

    [LibraryImport(Library)]
    internal static partial JpegRegionHandle crn_jpeg_open();

    [LibraryImport(Library)]
    internal static partial void crn_jpeg_close(nint decoder);

    [LibraryImport(Library)]
    internal static partial int crn_jpeg_decode(JpegRegionHandle decoder, byte* bytes, nuint length, int reduction,
        int* left, int* width, int top, int height, byte* rgb, nuint capacity);
}

/// <summary>Owns a crn_jpeg.</summary>
internal sealed class JpegRegionHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        JpegRegion.crn_jpeg_close(handle);
        return true;
    }
}
