using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>A native library under all the names that it goes by.</summary>
/// <param name="Import">The name in LibraryImport.</param>
/// <param name="Linux">File names on Linux, the newest major version first.</param>
/// <param name="Windows">The same on Windows.</param>
/// <param name="Remedy">What to do where it is missing.</param>
internal sealed record CudaLibrary(
    string Import, ImmutableArray<string> Linux, ImmutableArray<string> Windows, string Remedy)
{
    internal ImmutableArray<string> FileNames => OperatingSystem.IsWindows() ? Windows : Linux;
}

/// <summary>
/// Finds NVIDIA's libraries. The names are data: only versions whose ABI the bindings match. Each is looked for in the
/// native path, where the loader looks, under CUDA_HOME, and in the folders of NVIDIA's wheels beside Python.
/// </summary>
internal static class CudaLibraries
{
    internal static readonly CudaLibrary Driver = new(CudaDriver.Library, ["libcuda.so.1"], ["nvcuda.dll"],
        "install NVIDIA's driver (525 or newer for CUDA 12, 580 for CUDA 13)");

    internal static readonly CudaLibrary Nvrtc = new(Interop.Nvrtc.Library,
        ["libnvrtc.so.13", "libnvrtc.so.12"], ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll"],
        "install CUDA 12 or 13, or pip install nvidia-cuda-nvrtc-cu12");

    internal static readonly CudaLibrary Cudnn = new(Interop.Cudnn.Library, ["libcudnn.so.9"], ["cudnn64_9.dll"],
        "install cuDNN 9, or pip install nvidia-cudnn-cu12");

    internal static readonly CudaLibrary CublasLt = new(Interop.CublasLt.Library,
        ["libcublasLt.so.13", "libcublasLt.so.12"], ["cublasLt64_13.dll", "cublasLt64_12.dll"],
        "install CUDA 12 or 13, or pip install nvidia-cublas-cu12");

    internal static readonly CudaLibrary Nvml = new(Interop.Nvml.Library, ["libnvidia-ml.so.1"], ["nvml.dll"],
        "install NVIDIA's driver");

    /// <summary>From CUDA 12.9 on under its new name.</summary>
    internal static readonly CudaLibrary Nvtx = new(Interop.Nvtx.Library, ["libnvtx3interop.so.1", "libnvToolsExt.so.1"],
        ["nvtx3interop.dll", "nvToolsExt64_1.dll"], "install CUDA 12 or 13, or pip install nvidia-nvtx-cu12");

    /// <summary>Optional: without it JPEGs are decoded by the CPU.</summary>
    internal static readonly CudaLibrary NvJpeg = new(Interop.NvJpeg.Library,
        ["libnvjpeg.so.13", "libnvjpeg.so.12"], ["nvjpeg64_13.dll", "nvjpeg64_12.dll"],
        "install CUDA 12 or 13, or pip install nvidia-nvjpeg-cu12");

    /// <summary>Optional: without it images are scaled by an own kernel.</summary>
    internal static readonly CudaLibrary Npp = new(Interop.Npp.Library,
        ["libnppig.so.13", "libnppig.so.12"], ["nppig64_13.dll", "nppig64_12.dll"],
        "install CUDA 12 or 13, or pip install nvidia-npp-cu12");

    /// <summary>What carries CUDA's major version in its name.</summary>
    private static readonly ImmutableArray<string> RuntimeLibraries = ["nvrtc", "cublasLt", "nvjpeg", "nppig"];

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, (nint Handle, string Path)> Loaded = [];
    private static string? s_nativePath;
    private static int? s_major;
    private static bool s_registered;

    internal static ImmutableArray<CudaLibrary> All { get; } = [Driver, Cudnn, Nvrtc, CublasLt, Nvml, NvJpeg, Npp, Nvtx];

    /// <summary>The backend does without them.</summary>
    internal static ImmutableArray<CudaLibrary> Optional { get; } = [Nvml, NvJpeg, Npp, Nvtx];

    /// <summary>A folder that is searched before all others; takes effect for libraries that are not yet loaded.</summary>
    internal static string? NativePath
    {
        get => s_nativePath;
        set
        {
            if (value is not null && !Directory.Exists(value))
                throw new ResNetException($"The native path '{value}' is not a folder; give the folder that holds {Cudnn.FileNames[0]}.");
            s_nativePath = value is null ? null : Path.GetFullPath(value);
        }
    }

    /// <summary>
    /// The major version of CUDA that NVRTC and cuBLASLt must have, because cuDNN loads its own by that name: two
    /// majors in one process would be two runtimes. Null takes any.
    /// </summary>
    internal static void RequireMajor(int? major)
    {
        lock (Gate)
            s_major = major;
    }

    internal static void Register()
    {
        lock (Gate)
        {
            if (s_registered)
                return;
            NativeLibrary.SetDllImportResolver(typeof(CudaLibraries).Assembly, Resolve);
            s_registered = true;
        }
    }

    /// <summary>Loads a library once; null where no candidate could be loaded.</summary>
    internal static nint? TryLoad(CudaLibrary library)
    {
        lock (Gate)
        {
            if (Loaded.TryGetValue(library.Import, out (nint Handle, string) known))
                return known.Handle;
            foreach (string candidate in Candidates(library))
                if (NativeLibrary.TryLoad(candidate, out nint handle))
                {
                    Loaded.Add(library.Import, (handle, candidate));
                    return handle;
                }
            return null;
        }
    }

    /// <summary>The name or path that a library was loaded by; null where it was not.</summary>
    internal static string? PathOf(CudaLibrary library)
    {
        lock (Gate)
            return Loaded.TryGetValue(library.Import, out (nint, string Path) known) ? known.Path : null;
    }

    /// <summary>Names and existing files in the order in which they are tried.</summary>
    internal static ImmutableArray<string> Candidates(CudaLibrary library)
    {
        ImmutableArray<string>.Builder candidates = ImmutableArray.CreateBuilder<string>();
        foreach (string name in library.FileNames)
            if (IsWanted(name) && NativePath is { } folder)
                candidates.Add(Path.Combine(folder, name));
        foreach (string name in library.FileNames.Where(IsWanted))
        {
            candidates.Add(name);
            foreach (string folder in CudaFolders.All())
                if (Path.Combine(folder, name) is var file && File.Exists(file))
                    candidates.Add(file);
        }
        return candidates.ToImmutable();
    }

    /// <summary>One line for users: what is missing, where it was looked for, and the remedy.</summary>
    internal static string Missing(CudaLibrary library) =>
        $"{library.FileNames[0]} cannot be loaded; tried {string.Join(", ", Candidates(library))}; {library.Remedy}, "
        + "or give its folder with --native-path.";

    private static bool IsWanted(string name) => s_major is not { } major
        || !RuntimeLibraries.Any(library => name.Contains(library, StringComparison.Ordinal))
        || name.Contains($".so.{major}", StringComparison.Ordinal) || name.Contains($"64_{major}", StringComparison.Ordinal);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        foreach (CudaLibrary library in All)
            if (library.Import == name)
                return TryLoad(library) ?? throw new DllNotFoundException(Missing(library));
        return 0;
    }
}
