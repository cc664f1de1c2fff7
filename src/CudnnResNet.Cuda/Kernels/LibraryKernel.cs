using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>
/// A kernel of a library. What the library refuses at the first run, own kernels do from then on; the reason is kept.
/// </summary>
internal abstract class LibraryKernel(CudaSession session, Problem problem, KernelArguments arguments) : DeviceKernel(session.Device)
{
    private KernelLaunch[]? _instead;
    private bool _hasRun;

    protected CudaSession Session => session;

    protected Problem Problem => problem;

    /// <summary>Calls the library.</summary>
    protected abstract void EnqueueLibrary();

    protected sealed override void Enqueue()
    {
        if (_instead is not null)
            RunInstead();
        else if (_hasRun)
            EnqueueLibrary();
        else
            RunFirst();
    }

    protected override void Release()
    {
        foreach (KernelLaunch launch in _instead ?? [])
            launch.Dispose();
    }

    private void RunFirst()
    {
        try
        {
            EnqueueLibrary();
        }
        catch (CudaLibraryException error) when (error is CudnnException or CublasLtException)
        {
            session.Refuse($"{problem.Line}: {error.Message}");
            try
            {
                _instead = ProductKernel.Instead(session, problem, arguments);
                RunInstead();
            }
            catch (CudaDriverException)
            {
                // A lost device refuses these as well; what the library said came first.
            }
            if (_instead is null || !_hasRun)
                throw;
        }
        _hasRun = true;
    }

    private void RunInstead()
    {
        foreach (KernelLaunch launch in _instead ?? [])
            launch.Run(Device.Stream);
        _hasRun = true;
    }
}
