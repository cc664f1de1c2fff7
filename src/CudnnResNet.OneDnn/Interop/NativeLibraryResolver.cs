using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>
/// Finds the native libraries of this assembly. The names are data: only versions whose ABI the bindings match.
/// </summary>
internal static class NativeLibraryResolver
{
    /// <param name="Import">The name in LibraryImport.</param>
    /// <param name="FileNames">What to try, in order.</param>
    /// <param name="Package">The Debian package that holds it.</param>
    internal sealed record Entry(string Import, ImmutableArray<string> FileNames, string Package);

    internal static readonly Entry OneDnn = new(
        Dnnl.Library, OneDnnNames(), "libdnnl2 (on Debian 13 libdnnl3.6, on Ubuntu 24.04 libdnnl3)");
    internal static readonly Entry OpenMp = new(Gomp.Library, ["libgomp.so.1"], "libgomp1");
    /// <summary>This project's own; the launcher builds it.</summary>
    internal static readonly Entry Cpu = new(CpuLibrary.Library, OwnCandidates("libcudnnresnet_cpu.so"), "g++ cmake");
    internal static readonly Entry C = new(Libc.Library, ["libc.so.6"], "libc6");

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, nint> Loaded = [];
    private static string? s_nativePath;
    private static bool s_registered;

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

    internal static void Register()
    {
        lock (Gate)
        {
            if (s_registered)
                return;
            NativeLibrary.SetDllImportResolver(typeof(NativeLibraryResolver).Assembly, Resolve);
            s_registered = true;
        }
    }

    /// <summary>Loads a library once; null where no candidate could be loaded.</summary>
    internal static nint? TryLoad(Entry entry)
    {
        lock (Gate)
        {
            if (Loaded.TryGetValue(entry.Import, out nint handle))
                return handle;
            foreach (string candidate in Candidates(entry))
                if (NativeLibrary.TryLoad(candidate, out handle))
                {
                    Loaded.Add(entry.Import, handle);
                    return handle;
                }
            return null;
        }
    }

    internal static ImmutableArray<string> Candidates(Entry entry) => NativePath is { } folder
        ? [.. entry.FileNames.Select(name => Path.Combine(folder, Path.GetFileName(name))), .. entry.FileNames]
        : entry.FileNames;

    /// <summary>Newest first. Debian puts oneDNN 3's minor version into the file's name, Ubuntu and upstream do not.</summary>
    private static ImmutableArray<string> OneDnnNames()
    {
        const int MostMinor = 12;
        return ["libdnnl.so.3", .. Enumerable.Range(0, MostMinor + 1).Reverse().Select(minor => $"libdnnl.so.3.{minor}"), "libdnnl.so.2"];
    }

    /// <summary>Never the system's folders: a library of another version would be found there.</summary>
    private static ImmutableArray<string> OwnCandidates(string name)
    {
        string? chosen = Environment.GetEnvironmentVariable("CUDNNRESNET_NATIVE");
        string beside = Path.Combine(AppContext.BaseDirectory, name);
        return string.IsNullOrEmpty(chosen) ? [beside] : [Path.Combine(chosen, name)];
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        foreach (Entry entry in (ReadOnlySpan<Entry>)[OneDnn, OpenMp, Cpu, C])
            if (entry.Import == name)
                return TryLoad(entry) ?? throw new DllNotFoundException(
                    $"{entry.FileNames[0]} not found; tried {string.Join(", ", Candidates(entry))}; apt-get install {entry.Package}.");
        return 0;
    }
}
