using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;

namespace CudnnResNet;

/// <summary>A native library under all the names that it goes by.</summary>
/// <param name="Import">The name in LibraryImport.</param>
/// <param name="FileNames">What to try, in order: only versions whose ABI the bindings match.</param>
/// <param name="Package">The Debian package that holds it.</param>
internal sealed record NativeLibraryEntry(string Import, ImmutableArray<string> FileNames, string Package);

/// <summary>The native libraries of one assembly; each is loaded once.</summary>
/// <param name="entries">All of them.</param>
/// <param name="folder">Says which folder is searched before the system's; null for none.</param>
internal sealed class NativeLibraryTable(ImmutableArray<NativeLibraryEntry> entries, Func<string?>? folder = null)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, nint> _loaded = [];

    /// <summary>Lets the imports of an assembly find these libraries; once for each assembly, before its first import.</summary>
    public void Register(Assembly assembly) => NativeLibrary.SetDllImportResolver(assembly, Resolve);

    /// <summary>Null where no candidate could be loaded.</summary>
    public nint? TryLoad(NativeLibraryEntry entry)
    {
        lock (_gate)
        {
            if (_loaded.TryGetValue(entry.Import, out nint handle))
                return handle;
            foreach (string candidate in Candidates(entry))
                if (NativeLibrary.TryLoad(candidate, out handle))
                {
                    _loaded.Add(entry.Import, handle);
                    return handle;
                }
            return null;
        }
    }

    /// <summary>Names and paths in the order in which they are tried.</summary>
    public ImmutableArray<string> Candidates(NativeLibraryEntry entry) => folder?.Invoke() is { } first
        ? [.. entry.FileNames.Select(name => Path.Combine(first, Path.GetFileName(name))), .. entry.FileNames]
        : entry.FileNames;

    /// <summary>One line for users: what is missing, where it was looked for, and what installs it.</summary>
    public string Missing(NativeLibraryEntry entry) =>
        $"{entry.FileNames[0]} not found; tried {string.Join(", ", Candidates(entry))}; apt-get install {entry.Package}.";

    /// <summary>
    /// A library of this project's own, which the launcher builds: in CUDNNRESNET_NATIVE, else beside the program. Never
    /// in the system's folders, where one of another version would be found.
    /// </summary>
    public static string OwnFile(string name) => Path.Combine(
        Environment.GetEnvironmentVariable("CUDNNRESNET_NATIVE") is { Length: > 0 } chosen ? chosen : AppContext.BaseDirectory, name);

    private nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        foreach (NativeLibraryEntry entry in entries)
            if (entry.Import == name)
                return TryLoad(entry) ?? throw new DllNotFoundException(Missing(entry));
        return 0;
    }
}
