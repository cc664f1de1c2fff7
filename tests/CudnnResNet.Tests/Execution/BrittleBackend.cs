using System.Collections.Immutable;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Execution;

/// <summary>Its kernels do nothing, and its memory fails when it is told to; counts the arenas that are alive.</summary>
internal sealed class BrittleBackend : IBackend
{
    public bool FailsToWrite { get; set; }
    public int LivingArenas { get; private set; }

    public string Name => "brittle";
    public string Identity => "brittle";
    public int Threads => 1;
    public long CacheBytes => 0;
    public ImmutableArray<Kernel> Kernels { get; } = [new IdleKernel()];

    public KernelSupport Supports(Precision precision) => KernelSupport.Yes;

    public Arena Allocate(long bytes)
    {
        LivingArenas++;
        return new BrittleArena(this, bytes);
    }

    public void Synchronize() { }

    public void Dispose() { }

    private sealed class BrittleArena(BrittleBackend backend, long bytes) : Arena(bytes)
    {
        private bool _isDisposed;

        public override void Write(Region region, ReadOnlySpan<byte> source)
        {
            if (backend.FailsToWrite)
                throw new ResNetException("the device is gone");
        }

        public override void Read(Region region, Span<byte> destination) => destination.Clear();

        protected override void Dispose(bool disposing)
        {
            if (!_isDisposed)
                backend.LivingArenas--;
            _isDisposed = true;
        }
    }

    private sealed class IdleKernel : Kernel
    {
        public override string Name => "idle";

        public override KernelSupport Check(Problem problem) =>
            problem.Nodes.Length == 1 ? KernelSupport.Yes : KernelSupport.No("takes single nodes");

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) => new Idle();
    }

    private sealed class Idle : LoadedKernel
    {
        public override void Run() { }
    }
}
