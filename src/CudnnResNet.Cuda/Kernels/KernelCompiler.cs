using System.Runtime.InteropServices;
using System.Text;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>Compiles the programs of <see cref="KernelSources"/> by NVRTC into machine code for one architecture.</summary>
internal static unsafe class KernelCompiler
{
    /// <summary>
    /// The newest architecture that NVRTC knows and whose code a device runs: its own, or an older one of the same
    /// major version.
    /// </summary>
    /// <exception cref="ResNetException">NVRTC is older than the device.</exception>
    internal static int TargetFor(int architecture)
    {
        Nvrtc.nvrtcGetNumSupportedArchs(out int count).ThrowIfFailed();
        int[] known = new int[count];
        fixed (int* first = known)
            Nvrtc.nvrtcGetSupportedArchs(first).ThrowIfFailed();
        int target = known.Where(candidate => candidate <= architecture && candidate / 10 == architecture / 10)
            .DefaultIfEmpty(0).Max();
        return target > 0 ? target : throw new ResNetException(
            $"{CudaLibraries.PathOf(CudaLibraries.Nvrtc)} compiles for sm_{string.Join(", sm_", known)}, not for this device's "
            + $"sm_{architecture}; install a newer CUDA.");
    }

    /// <summary>What the compiler is told; without the last, lambdas would be host code, which NVRTC refuses.</summary>
    internal static string[] Options(int target) =>
        [$"--gpu-architecture=sm_{target}", "--std=c++17", "--device-as-default-execution-space"];

    /// <summary>The cubin of a program.</summary>
    /// <param name="program">Its file name, <c>pooling.cu</c>.</param>
    /// <param name="target">An architecture that NVRTC knows.</param>
    /// <exception cref="NvrtcException">The program has errors; the message quotes the compiler's.</exception>
    internal static byte[] Compile(string program, int target)
    {
        byte[][] includes = [.. KernelSources.Headers.Select(header => Terminated(header.Name))];
        byte*[] names = new byte*[includes.Length], texts = new byte*[includes.Length];
        List<GCHandle> pins = [];
        try
        {
            for (int i = 0; i < includes.Length; i++)
            {
                names[i] = Pin(includes[i]);
                texts[i] = Pin(KernelSources.Headers[i].Text);
            }
            string[] chosen = Options(target);
            byte*[] options = new byte*[chosen.Length];
            for (int i = 0; i < options.Length; i++)
                options[i] = Pin(Terminated(chosen[i]));
            fixed (byte** headers = texts, includeNames = names, first = options)
            {
                Nvrtc.nvrtcCreateProgram(out nvrtcProgram created, Pin(KernelSources.Read(program)), Pin(Terminated(program)),
                    includes.Length, headers, includeNames).ThrowIfFailed();
                try
                {
                    nvrtcResult result = Nvrtc.nvrtcCompileProgram(created, options.Length, first);
                    if (result != nvrtcResult.NVRTC_SUCCESS)
                        throw new NvrtcException($"nvrtcCompileProgram({program} for sm_{target}: {Log(created)})", result);
                    Nvrtc.nvrtcGetCUBINSize(created, out nuint size).ThrowIfFailed();
                    byte[] cubin = new byte[size];
                    Nvrtc.nvrtcGetCUBIN(created, Pin(cubin)).ThrowIfFailed();
                    return cubin;
                }
                finally
                {
                    Nvrtc.nvrtcDestroyProgram(ref created).ThrowIfFailed();
                }
            }
        }
        finally
        {
            foreach (GCHandle pin in pins)
                pin.Free();
        }

        byte* Pin(byte[] bytes)
        {
            GCHandle pin =
                GCHandle.Alloc(bytes, GCHandleType.Pinned);
            pins.Add(pin);
            return (byte*)pin.AddrOfPinnedObject();
        }
    }

    private static string Log(nvrtcProgram program)
    {
        Nvrtc.nvrtcGetProgramLogSize(program, out nuint size).ThrowIfFailed();
        byte[] log = new byte[Math.Max((int)size, 1)];
        fixed (byte* first = log)
            Nvrtc.nvrtcGetProgramLog(program, first).ThrowIfFailed();
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private static byte[] Terminated(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
