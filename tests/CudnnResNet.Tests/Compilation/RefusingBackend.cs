using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Compilation;

/// <summary>
/// A backend with every kernel several times (<c>a_</c>, <c>b_</c>, ...), of which some accept problems and refuse to run them, as engines of a
/// library may. Such a one has done its work by then, so that a refusal within a step would show in its state.
/// </summary>
/// <param name="inner">Computes.</param>
/// <param name="copies">Of every kernel.</param>
/// <param name="refuses">By the kernel's name and the problem.</param>
internal sealed class RefusingBackend(IBackend inner, int copies, Func<string, Problem, bool> refuses) : IBackend
{
    public string Name => inner.Name;

    public string Identity => inner.Identity;

    public int Threads => inner.Threads;

    public long CacheBytes => inner.CacheBytes;

    /// <summary>Refusals so far, by kernel and problem.</summary>
    public List<(string Kernel, string Line)> Refused { get; } = [];

    public ImmutableArray<Kernel> Kernels => field.IsDefault
        ? field = [.. Enumerable.Range(0, copies).SelectMany(copy => inner.Kernels.Select(kernel => new Copy(this, kernel, $"{(char)('a' + copy)}_{kernel.Name}")))]
        : field;

    public KernelSupport Supports(Precision precision) => inner.Supports(precision);

    public Arena Allocate(long bytes) => inner.Allocate(bytes);

    public void Synchronize() => inner.Synchronize();

    public void Dispose() => inner.Dispose();

    private bool Refuses(string kernel, Problem problem) => refuses(kernel, problem);

    private sealed class Copy(RefusingBackend owner, Kernel inner, string name) : Kernel
    {
        public override string Name => name;

        public override bool MayRefuseToRun => true;

        public override KernelSupport Check(Problem problem) => inner.Check(problem);

        /// <summary>More for each copy, so that who spares memory begins with the first.</summary>
        public override long WorkspaceBytes(Problem problem) => inner.WorkspaceBytes(problem) + (name[0] - 'a') * Region.Alignment;

        public override long PackedBytes(Problem problem) => inner.PackedBytes(problem);

        public override ValueId? MayOverwrite(Problem problem, ValueId output) => inner.MayOverwrite(problem, output);

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
            new Loaded(owner, name, problem, inner.Load(problem, arguments));
    }

    private sealed class Loaded(RefusingBackend owner, string name, Problem problem, LoadedKernel inner) : LoadedKernel
    {
        public override void Prepare() => inner.Prepare();

        public override void Run()
        {
            inner.Run();
            if (!owner.Refuses(name, problem))
                return;
            owner.Refused.Add((name, problem.Line));
            throw new KernelRefusedException($"the library's {name} does not run this", new InvalidOperationException());
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
