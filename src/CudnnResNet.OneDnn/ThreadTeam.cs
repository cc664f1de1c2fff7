using System.Runtime.InteropServices;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels;

namespace CudnnResNet.OneDnn;

/// <summary>
/// The OpenMP threads that oneDNN and the managed kernels share. Work is always cut into as many slices as the team was
/// configured with, whatever number of threads OpenMP grants, so results depend on the configuration alone.
/// </summary>
internal sealed unsafe class ThreadTeam(int threads)
{
    internal int Threads { get; } = threads;

    /// <summary>Makes the calling thread's parallel regions, oneDNN's among them, use this team's size.</summary>
    internal void Enter()
    {
        // OMP_DYNAMIC=true would grant fewer threads on a busy machine, and oneDNN sums in as many parts as there are.
        Gomp.omp_set_dynamic(0);
        Gomp.omp_set_num_threads(Threads);
    }

    internal void Run(SlicedKernel kernel)
    {
        // The workers find the kernel through this frame's slot, which lives (and is updated by the garbage collector)
        // until the region ends.
#pragma warning disable CS8500
        Gomp.GOMP_parallel(&RunShare, &kernel, (uint)Threads, flags: 0);
#pragma warning restore CS8500
    }

    [UnmanagedCallersOnly]
    private static void RunShare(void* slot)
    {
#pragma warning disable CS8500
        SlicedKernel kernel = *(SlicedKernel*)slot;
#pragma warning restore CS8500
        kernel.RunShare(Gomp.omp_get_thread_num(), Gomp.omp_get_num_threads());
    }
}
