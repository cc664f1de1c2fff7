using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Scheduling;

/// <summary>A run of a kernel, as a machine with other work would time it.</summary>
internal readonly record struct TimedRun(double Microseconds, bool IsInterrupted);

/// <summary>Computes with another backend and tells times of its own: those of each kernel come in turn, again and again.</summary>
internal sealed class InterruptedBackend(IBackend inner, Func<string, ImmutableArray<TimedRun>> timesOf) : IBackend
{
    private readonly Dictionary<string, int> _runs = [];

    public string Name => inner.Name;

    public string Identity => inner.Identity;

    public int Threads => inner.Threads;

    public long CacheBytes => inner.CacheBytes;

    public long Interruptions { get; private set; }

    public ImmutableArray<Kernel> Kernels => field.IsDefault
        ? field = [.. inner.Kernels.Select(kernel => new Named(kernel, $"a_{kernel.Name}")), .. inner.Kernels.Select(kernel => new Named(kernel, $"b_{kernel.Name}"))]
        : field;

    public KernelSupport Supports(Precision precision) => inner.Supports(precision);

    public Arena Allocate(long bytes) => inner.Allocate(bytes);

    public void Synchronize() => inner.Synchronize();

    public double Time(LoadedKernel kernel)
    {
        string name = ((Loaded)kernel).Name;
        int run = _runs[name] = _runs.GetValueOrDefault(name) + 1;
        ImmutableArray<TimedRun> times = timesOf(name);
        TimedRun time = times[(run - 1) % times.Length];
        Interruptions += time.IsInterrupted ? 1 : 0;
        return time.Microseconds;
    }

    public void Dispose() => inner.Dispose();

    private sealed class Named(Kernel inner, string name) : Kernel
    {
        public override string Name => name;

        public override KernelSupport Check(Problem problem) => inner.Check(problem);

        public override long WorkspaceBytes(Problem problem) => inner.WorkspaceBytes(problem);

        public override long PackedBytes(Problem problem) => inner.PackedBytes(problem);

        public override ValueId? MayOverwrite(Problem problem, ValueId output) => inner.MayOverwrite(problem, output);

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
            new Loaded(name, inner.Load(problem, arguments));
    }

    private sealed class Loaded(string name, LoadedKernel inner) : LoadedKernel
    {
        public string Name { get; } = name;

        public override void Prepare() => inner.Prepare();

        public override void Run() => inner.Run();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
