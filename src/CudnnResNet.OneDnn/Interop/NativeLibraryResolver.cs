using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>The native libraries of this assembly. The names are data: only versions whose ABI the bindings match.</summary>
internal static class NativeLibraryResolver
{
    internal static readonly NativeLibraryEntry OneDnn = new(
        Dnnl.Library, OneDnnNames(), "libdnnl2 (on Debian 13 libdnnl3.6, on Ubuntu 24.04 libdnnl3)");
    internal static readonly NativeLibraryEntry OpenMp = new(Gomp.Library, ["libgomp.so.1"], "libgomp1");
    /// <summary>This project's own; the launcher builds it.</summary>
    internal static readonly NativeLibraryEntry Cpu = new(
        CpuLibrary.Library, [NativeLibraryTable.OwnFile("libcudnnresnet_cpu.so")], "g++ cmake");
    internal static readonly NativeLibraryEntry C = new(Libc.Library, ["libc.so.6"], "libc6");

    internal static readonly NativeLibraryTable Table = new([OneDnn, OpenMp, Cpu, C], () => NativePath);

    private static string? s_nativePath;

    /// <summary>A folder that is searched before the system's; takes effect for libraries that are not yet loaded.</summary>
    internal static string? NativePath
    {
        get => s_nativePath;
        set
        {
            if (value is not null && !Directory.Exists(value))
                throw new ResNetException($"The native path '{value}' is not a folder; give the folder that holds libdnnl.so.");
            s_nativePath = value is null ? null : Path.GetFullPath(value);
        }
    }

#pragma warning disable CA2255 // The bindings of this assembly work only behind its resolver, whoever calls first.
    [ModuleInitializer]
    internal static void Register() => Table.Register(typeof(NativeLibraryResolver).Assembly);
#pragma warning restore CA2255

    /// <summary>Newest first. Debian puts oneDNN 3's minor version into the file's name, Ubuntu and upstream do not.</summary>
    private static ImmutableArray<string> OneDnnNames()
    {
        const int MostMinor = 12;
        return ["libdnnl.so.3", .. Enumerable.Range(0, MostMinor + 1).Reverse().Select(minor => $"libdnnl.so.3.{minor}"), "libdnnl.so.2"];
    }
}
