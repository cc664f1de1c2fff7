using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A backend whose kernels take single operations as ever, and of the chains only those that are let through.</summary>
/// <param name="inner">Computes.</param>
/// <param name="lets">Takes a chain.</param>
/// <param name="leavesOut">Kernels that are not there at all, by name; null leaves none out.</param>
internal sealed class ChainFilter(IBackend inner, Func<Kernel, Problem, bool> lets, Func<string, bool>? leavesOut = null) : IBackend
{
    public string Name => inner.Name;

    public string Identity => inner.Identity;

    public int Threads => inner.Threads;

    public long CacheBytes => inner.CacheBytes;

    public bool PrefersGroupedUpdates => inner.PrefersGroupedUpdates;

    public bool PrefersRecomputedMasks => inner.PrefersRecomputedMasks;

    public ImmutableArray<Kernel> Kernels { get; } = [.. inner.Kernels
        .Where(kernel => leavesOut is null || !leavesOut(kernel.Name)).Select(kernel => new Filtered(kernel, lets))];

    public KernelSupport Supports(Precision precision) => inner.Supports(precision);

    public Arena Allocate(long bytes) => inner.Allocate(bytes);

    public void Synchronize() => inner.Synchronize();

    public LoadedKernel? Record(ReadOnlySpan<LoadedKernel> kernels) => inner.Record(kernels);

    public void Dispose() => inner.Dispose();

    private sealed class Filtered(Kernel inner, Func<Kernel, Problem, bool> lets) : Kernel
    {
        public override string Name => inner.Name;

        public override bool MayRefuseToRun => inner.MayRefuseToRun;

        public override KernelSupport Check(Problem problem) => problem.Nodes.Length == 1 || lets(inner, problem)
            ? inner.Check(problem)
            : KernelSupport.No("is not let through");

        public override long WorkspaceBytes(Problem problem) => inner.WorkspaceBytes(problem);

        public override long PackedBytes(Problem problem) => inner.PackedBytes(problem);

        public override ValueId? MayOverwrite(Problem problem, ValueId output) => inner.MayOverwrite(problem, output);

        public override bool RoundsToActivationType(Problem problem, ValueId output) => inner.RoundsToActivationType(problem, output);

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) => inner.Load(problem, arguments);

        public override string? GroupOf(Problem problem) => inner.GroupOf(problem);

        public override LoadedKernel LoadGroup(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments) =>
            inner.LoadGroup(problems, arguments);
    }
}
