using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Device;

/// <summary>The launches of several kernels as one CUDA graph: a replay costs the host one call.</summary>
internal sealed class RecordedRun : LoadedKernel
{
    private readonly CudaDevice _device;
    private readonly CudaGraphExec _graph;

    private RecordedRun(CudaDevice device, CudaGraphExec graph)
    {
        _device = device;
        _graph = graph;
    }

    /// <summary>
    /// Captures one run. Every kernel must have run before, because what a first run does (loading modules, choosing
    /// another engine) is not allowed in a capture.
    /// </summary>
    internal static RecordedRun Record(CudaDevice device, ReadOnlySpan<LoadedKernel> kernels)
    {
        using ContextScope scope = device.Enter();
        // Other threads may go on allocating pinned memory and waiting for their streams.
        CudaDriver.cuStreamBeginCapture_v2(device.Stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).ThrowIfFailed();
        CudaGraph? graph = null;
        try
        {
            bool isComplete = false;
            try
            {
                foreach (LoadedKernel kernel in kernels)
                    kernel.Run();
                isComplete = true;
            }
            finally
            {
                CUresult end = CudaDriver.cuStreamEndCapture(device.Stream, out graph);
                graph.Context = device.Context;
                if (isComplete)
                    end.ThrowIfFailed("cuStreamEndCapture");
            }
            CudaDriver.cuGraphInstantiateWithFlags(out CudaGraphExec executable, graph, 0).ThrowIfFailed();
            executable.Context = device.Context;
            CUresult uploaded = CudaDriver.cuGraphUpload(executable, device.Stream);
            if (uploaded != CUresult.CUDA_SUCCESS)
                executable.Dispose();
            uploaded.ThrowIfFailed("cuGraphUpload");
            return new RecordedRun(device, executable);
        }
        finally
        {
            graph?.Dispose();
        }
    }

    public override void Run()
    {
        using ContextScope scope = _device.Enter();
        CudaDriver.cuGraphLaunch(_graph, _device.Stream).ThrowIfFailed();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _graph.Dispose();
        base.Dispose(disposing);
    }
}
