using CudnnResNet.Graph;

namespace CudnnResNet.Kernels;

/// <summary>
/// An entry of a backend's catalog: one way to do one kind of problem. A kernel that refuses does so with a reason,
/// books its memory before it is used, and is loaded once for fixed addresses; running it allocates nothing.
/// </summary>
public abstract class Kernel
{
    /// <summary>By problem line.</summary>
    private readonly Dictionary<string, string?> _tried = new(StringComparer.Ordinal);

    /// <summary>Unique within the backend; printed by plans and kept in plan caches.</summary>
    public abstract string Name { get; }

    public abstract KernelSupport Check(Problem problem);

    /// <summary>
    /// A library that takes a problem may still refuse to run it, which <see cref="LoadedKernel.Run"/> tells by
    /// <see cref="KernelRefusedException"/>: such kernels are tried on memory that nobody reads before a plan uses them.
    /// </summary>
    public virtual bool MayRefuseToRun => false;

    /// <summary>As <see cref="Check"/>, and no for what the kernel refused when it was to run.</summary>
    public KernelSupport Accepts(Problem problem) =>
        RefusalToRun(problem) is { } refusal ? KernelSupport.No($"refused to run: {refusal}") : Check(problem);

    /// <summary>What the kernel said when it was to run the problem; null where it ran, or was not tried.</summary>
    internal string? RefusalToRun(Problem problem) => _tried.GetValueOrDefault(problem.Line);

    internal bool WasTried(Problem problem) => _tried.ContainsKey(problem.Line);

    /// <param name="problem">Was run, or was to be.</param>
    /// <param name="refusal">Null where it ran.</param>
    internal void KeepTrial(Problem problem, string? refusal) => _tried[problem.Line] = refusal;

    /// <summary>Bytes that the kernel uses while it runs; contents do not survive.</summary>
    public virtual long WorkspaceBytes(Problem problem) => 0;

    /// <summary>Bytes that live as long as the plan: weights repacked by <see cref="LoadedKernel.Prepare"/>.</summary>
    public virtual long PackedBytes(Problem problem) => 0;

    /// <summary>The input whose memory <paramref name="output"/> may take over when that input is read for the last time here.</summary>
    public virtual ValueId? MayOverwrite(Problem problem, ValueId output) => null;

    /// <summary>
    /// An output of the parameters' type passes through the activations' type on its way: the gradient of a filter where
    /// a library writes 16 bits only, as in PyTorch's mixed precision.
    /// </summary>
    public virtual bool RoundsToActivationType(Problem problem, ValueId output) => false;

    /// <summary>Binds the kernel to memory. Only called for problems that <see cref="Check"/> accepted.</summary>
    public abstract LoadedKernel Load(Problem problem, KernelArguments arguments);

    /// <summary>
    /// Problems that follow each other and have equal groups may be loaded as one kernel, which does them in any order.
    /// Only problems without packed weights have a group. What one changes in place or makes, no other of its group reads;
    /// the workspace that each books for itself is not there for the group. Null is done alone.
    /// </summary>
    public virtual string? GroupOf(Problem problem) => null;

    /// <summary>Binds a group to memory; <paramref name="arguments"/> are those of each problem.</summary>
    public virtual LoadedKernel LoadGroup(ReadOnlySpan<Problem> problems, ReadOnlySpan<KernelArguments> arguments) =>
        throw new NotSupportedException($"{Name} has no groups.");
}

/// <summary>A kernel bound to memory.</summary>
public abstract class LoadedKernel : IDisposable
{
    /// <summary>Repacks constant weights; called after weights were written and before the next run.</summary>
    public virtual void Prepare() { }

    /// <summary>Runs (or enqueues) the kernel. No managed or native allocation, no blocking.</summary>
    public abstract void Run();

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
