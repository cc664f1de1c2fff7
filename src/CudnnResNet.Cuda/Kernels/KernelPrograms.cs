using System.Text;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>
/// The own kernels, loaded into a device. A program is compiled when it is first asked for; its machine code is kept on
/// disk by the hash of its source, the compiler's version and the architecture.
/// </summary>
internal sealed unsafe class KernelPrograms(CudaDevice device) : IDisposable
{
    private readonly Dictionary<string, CudaModule> _modules = new(StringComparer.Ordinal);
    private readonly Dictionary<(string, string), CUfunction> _functions = [];

    /// <summary>Beside the plan cache.</summary>
    internal static string CacheFolder => Path.Combine(Path.GetDirectoryName(PlanCache.DefaultFolder)!, "kernels");

    internal CUfunction Function(string program, string entry)
    {
        if (_functions.TryGetValue((program, entry), out CUfunction known))
            return known;
        using ContextScope scope = device.Enter();
        if (!_modules.TryGetValue(program, out CudaModule? module))
            _modules.Add(program, module = Load(program));
        fixed (byte* name = Encoding.UTF8.GetBytes(entry + '\0'))
            CudaDriver.cuModuleGetFunction(out known, module, name).ThrowIfFailed($"cuModuleGetFunction({program}, {entry})");
        _functions.Add((program, entry), known);
        return known;
    }

    public void Dispose()
    {
        foreach (CudaModule module in _modules.Values)
            module.Dispose();
        _modules.Clear();
        _functions.Clear();
    }

    private CudaModule Load(string program)
    {
        int target = KernelCompiler.TargetFor(device.Architecture);
        Nvrtc.nvrtcVersion(out int major, out int minor).ThrowIfFailed();
        string file = Path.Combine(CacheFolder, $"{Path.GetFileNameWithoutExtension(program)}-sm_{target}-nvrtc{major}.{minor}-{KernelSources.Hash(program)[..16]}.cubin");
        if (Cached(file) is { } cached && TryLoad(cached, out CudaModule module) == CUresult.CUDA_SUCCESS)
            return module;
        byte[] compiled = KernelCompiler.Compile(program, target);
        TryLoad(compiled, out module).ThrowIfFailed($"cuModuleLoadData({program})");
        Keep(file, compiled);
        return module;
    }

    private CUresult TryLoad(byte[] cubin, out CudaModule module)
    {
        CUresult status;
        fixed (byte* image = cubin)
            status = CudaDriver.cuModuleLoadData(out module, image);
        module.Context = device.Context;
        return status;
    }

    private static byte[]? Cached(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllBytes(file) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A cache that cannot be written costs the next start some seconds and nothing else.</summary>
    private static void Keep(string file, byte[] cubin)
    {
        try
        {
            Directory.CreateDirectory(CacheFolder);
            AtomicFile.Write(file, stream => stream.Write(cubin));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ResNetException)
        {
        }
    }
}
