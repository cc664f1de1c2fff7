using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Interop;

/// <summary>Finds the native libraries of this assembly. The names are data: only versions whose ABI the bindings match.</summary>
internal static class ImagingLibraries
{
    /// <param name="Import">The name in LibraryImport.</param>
    /// <param name="FileNames">What to try, in order.</param>
    /// <param name="Package">The Debian package that holds it.</param>
    internal sealed record Entry(string Import, ImmutableArray<string> FileNames, string Package);

    internal static readonly Entry Jpeg = new(TurboJpeg.Library,
        ["libturbojpeg.so.0", "libturbojpeg.dylib", "turbojpeg.dll"], "libturbojpeg0 (on Ubuntu libturbojpeg)");
    internal static readonly Entry Png = new(Png16.Library,
        ["libpng16.so.16", "libpng16.16.dylib", "libpng16.dll"], "libpng16-16 (on Debian 13 and Ubuntu 24.04 libpng16-16t64)");

    /// <summary>This project's own, optional; the launcher builds it. Never from the system's folders.</summary>
    internal static readonly Entry JpegPart = new(JpegRegion.Library, [OwnCandidate("libcudnnresnet_jpeg.so")], "gcc libjpeg-dev");

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, nint> Loaded = [];

#pragma warning disable CA2255 // The bindings of this assembly work only behind its resolver, whoever calls first.
    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(ImagingLibraries).Assembly, Resolve);
#pragma warning restore CA2255

    /// <summary>Loads a library once; null where no candidate could be loaded.</summary>
    internal static nint? TryLoad(Entry entry)
    {
        lock (Gate)
        {
            if (Loaded.TryGetValue(entry.Import, out nint handle))
                return handle;
            foreach (string candidate in entry.FileNames)
                if (NativeLibrary.TryLoad(candidate, out handle))
                {
                    Loaded.Add(entry.Import, handle);
                    return handle;
                }
            return null;
        }
    }

    /// <exception cref="ResNetException">The library is not there; the message says which, and what installs it.</exception>
    internal static void Require(Entry entry, string toRead)
    {
        if (TryLoad(entry) is null)
            throw new ResNetException($"{toRead} needs {entry.FileNames[0]}, which was not found; apt-get install {entry.Package}");
    }

    private static string OwnCandidate(string name) =>
        Path.Combine(Environment.GetEnvironmentVariable("CUDNNRESNET_NATIVE") is { Length: > 0 } chosen ? chosen : AppContext.BaseDirectory, name);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        foreach (Entry entry in (ReadOnlySpan<Entry>)[Jpeg, Png, JpegPart])
            if (entry.Import == name)
                return TryLoad(entry) ?? throw new DllNotFoundException($"{entry.FileNames[0]} not found; apt-get install {entry.Package}");
        return 0;
    }
}
