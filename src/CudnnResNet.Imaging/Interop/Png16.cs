using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>The simplified read functions of png.h (libpng 1.6), name for name: they report errors by value, without longjmp.</summary>
internal static unsafe partial class Png16
{
    internal const string Library = "png16";

    internal const uint PNG_IMAGE_VERSION = 1;
    internal const uint PNG_IMAGE_FLAG_16BIT_sRGB = 0x04;
    internal const uint PNG_FORMAT_RGBA = 0x03;

    [LibraryImport(Library)]
    internal static partial int png_image_begin_read_from_memory(png_image* image, void* memory, nuint size);

    [LibraryImport(Library)]
    internal static partial int png_image_finish_read(png_image* image, void* background, void* buffer, int row_stride, void* colormap);

    [LibraryImport(Library)]
    internal static partial void png_image_free(png_image* image);
}

[StructLayout(LayoutKind.Sequential)]
internal struct png_image
{
    internal nint opaque;
    internal uint version;
    internal uint width;
    internal uint height;
    internal uint format;
    internal uint flags;
    internal uint colormap_entries;
    internal uint warning_or_error;
    internal png_message message;
}

[InlineArray(64)]
internal struct png_message
{
    private byte _first;
}
