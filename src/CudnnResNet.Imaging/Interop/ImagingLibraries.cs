using System.Runtime.CompilerServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>The native libraries of this assembly. The names are data: only versions whose ABI the bindings match.</summary>
internal static class ImagingLibraries
{
    internal static readonly NativeLibraryEntry Jpeg = new(TurboJpeg.Library,
        ["libturbojpeg.so.0", "libturbojpeg.dylib", "turbojpeg.dll"], "libturbojpeg0 (on Ubuntu libturbojpeg)");
    internal static readonly NativeLibraryEntry Png = new(Png16.Library,
        ["libpng16.so.16", "libpng16.16.dylib", "libpng16.dll"], "libpng16-16 (on Debian 13 and Ubuntu 24.04 libpng16-16t64)");

    /// <summary>This project's own, optional; the launcher builds it.</summary>
    internal static readonly NativeLibraryEntry JpegPart = new(
        JpegRegion.Library, [NativeLibraryTable.OwnFile("libcudnnresnet_jpeg.so")], "gcc libjpeg-dev");

    internal static readonly NativeLibraryTable Table = new([Jpeg, Png, JpegPart]);

#pragma warning disable CA2255 // The bindings of this assembly work only behind its resolver, whoever calls first.
    [ModuleInitializer]
    internal static void Register() => Table.Register(typeof(ImagingLibraries).Assembly);
#pragma warning restore CA2255

    /// <exception cref="ResNetException">The library is not there; the message says which, and what installs it.</exception>
    internal static void Require(NativeLibraryEntry entry, string toRead)
    {
        if (Table.TryLoad(entry) is null)
            throw new ResNetException($"{toRead} needs {entry.FileNames[0]}, which was not found; apt-get install {entry.Package}");
    }
}
