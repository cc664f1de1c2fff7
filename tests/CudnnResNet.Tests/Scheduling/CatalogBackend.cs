using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Scheduling;

/// <summary>A backend that has a catalog and nothing that runs: kernels take exactly the chains that they are named after.</summary>
internal sealed class CatalogBackend(params string[] chains) : IBackend
{
    public string Name => "catalog";
    public string Identity => "catalog";
    public int Threads => 1;
    public long CacheBytes => 0;
    public ImmutableArray<Kernel> Kernels { get; } = [.. chains.Select(chain => new ChainKernel(chain))];

    public KernelSupport Supports(Precision precision) => KernelSupport.Yes;

    public Arena Allocate(long bytes) => throw new NotSupportedException();

    public void Synchronize() { }

    public void Dispose() { }

    /// <param name="chain">Operation names with a space between them; <c>*</c> takes any single node.</param>
    private sealed class ChainKernel(string chain) : Kernel
    {
        public override string Name => chain;

        public override KernelSupport Check(Problem problem)
        {
            string asked = string.Join(' ', problem.Operations.Select(operation => OperationTable.Of(operation).Name));
            return asked == chain || (chain == "*" && problem.Nodes.Length == 1)
                ? KernelSupport.Yes
                : KernelSupport.No($"takes {chain}");
        }

        public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
            problem.Operations[0] is Relu or Add ? problem.Inputs[0] : null;

        public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
            throw new NotSupportedException();
    }
}
