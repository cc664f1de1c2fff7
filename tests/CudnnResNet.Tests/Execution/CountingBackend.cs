using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Execution;

/// <summary>Passes everything on to a backend and counts what is allocated there.</summary>
internal sealed class CountingBackend(IBackend inner) : IBackend
{
    public int Allocations { get; private set; }
    public long AllocatedBytes { get; private set; }

    public string Name => inner.Name;
    public string Identity => inner.Identity;
    public int Threads => inner.Threads;
    public long CacheBytes => inner.CacheBytes;

    public bool PrefersGroupedUpdates => inner.PrefersGroupedUpdates;

    public bool PrefersRecomputedMasks => inner.PrefersRecomputedMasks;
    public ImmutableArray<Kernel> Kernels => inner.Kernels;

    public KernelSupport Supports(Precision precision) => inner.Supports(precision);

    public Arena Allocate(long bytes)
    {
        Allocations++;
        AllocatedBytes += bytes;
        return inner.Allocate(bytes);
    }

    public void Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();
}
