using System.Runtime.InteropServices;
using System.Text;
using CudnnResNet.Cuda.Kernels;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// The NVRTC that tools/fetch-nvrtc.sh leaves in a cache folder: NVIDIA's own compiler, which needs no GPU. It is called
/// beside the runtime's bindings, because these may have found the simulated one.
/// </summary>
internal sealed unsafe class RealNvrtc
{
    private static readonly Lazy<RealNvrtc?> Loaded = new(Load);

    private readonly nint _library;

    private RealNvrtc(nint library) => _library = library;

    public static RealNvrtc? Instance => Loaded.Value;

    public const string Refusal = "There is no NVRTC of NVIDIA's here: ./test fetches one where it can (tools/fetch-nvrtc.sh).";

    /// <summary>Architectures that it compiles for: 75, 80 and so on.</summary>
    public int[] Architectures()
    {
        int count;
        Check(((delegate* unmanaged<int*, int>)Export("nvrtcGetNumSupportedArchs"))(&count));
        int[] known = new int[count];
        fixed (int* first = known)
            Check(((delegate* unmanaged<int*, int>)Export("nvrtcGetSupportedArchs"))(first));
        return known;
    }

    /// <summary>Compiles a program of native/kernels with the runtime's own options; the cubin, or the compiler's words.</summary>
    public (byte[] Cubin, string Log) Compile(string program, byte[] source, int architecture)
    {
        using Texts texts = new();
        byte*[] names = new byte*[KernelSources.Headers.Length], headers = new byte*[names.Length];
        for (int i = 0; i < headers.Length; i++)
        {
            names[i] = texts.Add(KernelSources.Headers[i].Name);
            headers[i] = texts.Add(KernelSources.Headers[i].Text);
        }
        string[] chosen = KernelCompiler.Options(architecture);
        byte*[] options = new byte*[chosen.Length];
        for (int i = 0; i < options.Length; i++)
            options[i] = texts.Add(chosen[i]);
        nint created;
        fixed (byte** texts0 = headers, names0 = names, options0 = options)
        {
            Check(((delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Export("nvrtcCreateProgram"))(
                &created, texts.Add(source), texts.Add(program), headers.Length, texts0, names0));
            int status = ((delegate* unmanaged<nint, int, byte**, int>)Export("nvrtcCompileProgram"))(created, options.Length, options0);
            string log = Encoding.UTF8.GetString(Bytes(created, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")).TrimEnd('\0');
            byte[] cubin = status == 0 ? Bytes(created, "nvrtcGetCUBINSize", "nvrtcGetCUBIN") : [];
            Check(((delegate* unmanaged<nint*, int>)Export("nvrtcDestroyProgram"))(&created));
            return (cubin, log);
        }
    }

    private byte[] Bytes(nint program, string sizeFunction, string function)
    {
        nuint size;
        Check(((delegate* unmanaged<nint, nuint*, int>)Export(sizeFunction))(program, &size));
        byte[] bytes = new byte[size];
        fixed (byte* first = bytes)
            Check(((delegate* unmanaged<nint, byte*, int>)Export(function))(program, first));
        return bytes;
    }

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private static void Check(int status) => Assert.Equal(0, status);

    private static RealNvrtc? Load()
    {
        string cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        string folder = Path.Combine(cache, "cudnnresnet", "nvrtc");
        if (!Directory.Exists(folder))
            return null;
        // Loaded first, it is found by name when the compiler asks for it.
        foreach (string builtins in Directory.EnumerateFiles(folder, "libnvrtc-builtins.so.*.*"))
            NativeLibrary.TryLoad(builtins, out _);
        foreach (string compiler in Directory.EnumerateFiles(folder, "libnvrtc.so.*"))
            if (NativeLibrary.TryLoad(compiler, out nint library))
                return new RealNvrtc(library);
        return null;
    }

    private sealed class Texts : IDisposable
    {
        private readonly List<GCHandle> _pins = [];

        public byte* Add(string text) => Add(Encoding.UTF8.GetBytes(text + '\0'));

        public byte* Add(byte[] text)
        {
            GCHandle pin = GCHandle.Alloc(text, GCHandleType.Pinned);
            _pins.Add(pin);
            return (byte*)pin.AddrOfPinnedObject();
        }

        public void Dispose()
        {
            foreach (GCHandle pin in _pins)
                pin.Free();
        }
    }
}

/// <summary>A theory about what NVIDIA's compiler makes of the kernels; skipped, and saying why, where there is none.</summary>
public sealed class NvrtcTheoryAttribute : TheoryAttribute
{
    public NvrtcTheoryAttribute() => Skip = RealNvrtc.Instance is null ? RealNvrtc.Refusal : null;
}
