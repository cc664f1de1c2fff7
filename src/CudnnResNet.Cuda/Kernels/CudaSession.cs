using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>As many blocks as a kernel's source asks for.</summary>
internal readonly record struct Grid(long Blocks);

/// <summary>What all kernels of a backend share: the device and the handles of its libraries.</summary>
internal sealed class CudaSession : IDisposable
{
    /// <summary>Threads of a block of the kernels that stride over a grid of any size.</summary>
    internal const int Threads = 256;

    private readonly List<string> _refusals = [];
    private readonly List<IDisposable> _owned = [];

    internal CudaSession(CudaDevice device, CudaOptions options, string identity)
    {
        Device = device;
        Options = options;
        CudnnResNet.Cuda.Interop.Cudnn.cudnnCreate(out CudnnHandle cudnn).ThrowIfFailed();
        Cudnn = cudnn;
        try
        {
            CudnnResNet.Cuda.Interop.Cudnn.cudnnSetStream(cudnn, device.Stream).ThrowIfFailed();
            CublasLt.cublasLtCreate(out CublasLtHandle products).ThrowIfFailed();
            Products = products;
        }
        catch
        {
            cudnn.Dispose();
            throw;
        }
        EngineFiles = new EngineFiles(options.EngineCacheFolder, identity);
        Engines = new EngineCatalog(this, EngineFiles);
        Programs = new KernelPrograms(device);
        Casts = new CastLaunches(this);
    }

    internal CudaDevice Device { get; }

    internal CudaOptions Options { get; }

    internal CudnnHandle Cudnn { get; }

    internal CublasLtHandle Products { get; }

    internal EngineFiles EngineFiles { get; }

    internal EngineCatalog Engines { get; }

    internal KernelPrograms Programs { get; }

    internal CastLaunches Casts { get; }

    internal IReadOnlyList<string> Refusals => _refusals;

    internal void Refuse(string reason) => _refusals.Add(reason);

    /// <summary>A refusal that costs its user much.</summary>
    internal void Warn(string reason)
    {
        bool isNew = !_refusals.Contains(reason);
        Refuse(reason);
        if (isNew)
            Options.Warn?.Invoke(reason);
    }

    /// <summary>Disposed before the libraries' handles.</summary>
    internal void Own(IDisposable owned) => _owned.Add(owned);

    /// <summary>A kernel that strides over a grid of any size, on no more blocks than the device holds at once.</summary>
    /// <param name="program">The file of the kernel.</param>
    /// <param name="entry">Its name.</param>
    /// <param name="items">Turns of the loop, of one thread each.</param>
    /// <param name="arguments">In the order of the kernel's parameters.</param>
    internal KernelLaunch Launch(string program, string entry, long items, ReadOnlySpan<LaunchArgument> arguments)
    {
        long resident = (long)Device.Multiprocessors * Device.ThreadsPerMultiprocessor / Threads;
        long blocks = Math.Clamp((items + Threads - 1) / Threads, 1, resident);
        return new KernelLaunch(Programs.Function(program, entry), blocks, Threads, 0, arguments);
    }

    /// <summary>A kernel whose source fixes the number of blocks.</summary>
    internal KernelLaunch Launch(string program, string entry, Grid grid, ReadOnlySpan<LaunchArgument> arguments) =>
        new(Programs.Function(program, entry), grid.Blocks, Threads, 0, arguments);

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        Engines.Dispose();
        Programs.Dispose();
        Products.Dispose();
        Cudnn.Dispose();
    }
}
