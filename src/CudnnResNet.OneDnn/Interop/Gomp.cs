using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Interop;

/// <summary>GNU OpenMP: the thread pool that oneDNN runs on. GOMP_parallel is what compilers emit for a parallel region.</summary>
internal static unsafe partial class Gomp
{
    internal const string Library = "gomp";

    [LibraryImport(Library)]
    internal static partial void GOMP_parallel(
        delegate* unmanaged<void*, void> fn, void* data, uint num_threads, uint flags);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial void omp_set_num_threads(int num_threads);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial void omp_set_dynamic(int dynamic_threads);

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int omp_get_thread_num();

    [LibraryImport(Library)]
    [SuppressGCTransition]
    internal static partial int omp_get_num_threads();
}
