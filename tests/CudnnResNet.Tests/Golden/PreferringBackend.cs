using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Golden;

/// <summary>A backend whose catalog begins with some kernels: without tuning, they take all problems that they accept.</summary>
internal sealed class PreferringBackend(IBackend inner, Func<string, bool> isPreferred) : IBackend
{
    public string Name => inner.Name;
    public string Identity => inner.Identity;
    public int Threads => inner.Threads;
    public long CacheBytes => inner.CacheBytes;

    public bool PrefersGroupedUpdates => inner.PrefersGroupedUpdates;

    public bool PrefersRecomputedMasks => inner.PrefersRecomputedMasks;

    public ImmutableArray<Kernel> Kernels { get; } = [.. inner.Kernels.OrderBy(kernel => isPreferred(kernel.Name) ? 0 : 1)];

    public KernelSupport Supports(Precision precision) => inner.Supports(precision);

    public Arena Allocate(long bytes) => inner.Allocate(bytes);

    public void Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();
}
