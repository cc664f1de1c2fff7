using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// [Add | GlobalAveragePoolBackward] [ReluBackward] BatchNormBackward [Add], keeping any gradient before the batch norm
/// that a shortcut also needs.
/// </summary>
internal sealed unsafe class BatchNormBackwardKernel(ThreadTeam team) : Kernel
{
    public override string Name => "bn_bwd";

    public override KernelSupport Check(Problem problem)
    {
        GradientChain chain = new(problem);
        Node? norm = chain.Take<BatchNormBackward>();
        Node? join = chain.Take<Add>();
        if (norm is null || !chain.AtEnd)
            return KernelSupport.No("not a chain of [add | avg_pool_bwd] [relu_bwd] bn_bwd [add]");
        if (!ChainReader.HasComputableType(problem))
            return KernelSupport.No("takes f32 and bf16");
        if (!chain.SidesAreInputs(problem) || !ChainReader.IsSide(problem, norm.Inputs[1])
            || join is not null && !ChainReader.IsSide(problem, join.Inputs[1]))
            return KernelSupport.No("a side operand is produced inside the chain");
        return ChainReader.KeepsOnly(problem, chain.Pool, chain.Sum, chain.Mask)
            ? KernelSupport.Yes
            : KernelSupport.No("does not keep dx before the last add");
    }

    public override long WorkspaceBytes(Problem problem) =>
        LoadedBatchNormBackward<Float32, Stored<Float32>, Stored<Float32>, Identity>.WorkspaceBytes(
            team.Threads, problem.Input(0, 0).Shape.C);

    /// <summary>dx takes the place of x; gradients kept on the way that of the addends or the mask's output.</summary>
    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        GradientChain chain = new(problem);
        Node norm = chain.Take<BatchNormBackward>()!;
        if (output == problem.Nodes[^1].Outputs[0])
            return norm.Inputs[1];
        if (output == chain.Sum?.Outputs[0])
            return chain.Sum.Inputs[0];
        if (output != chain.Mask?.Outputs[0])
            return null;
        if (chain.Pool is not null)
            return chain.Mask.Inputs[1];
        return chain.Sum is null ? chain.Mask.Inputs[0] : chain.Sum.Inputs[1];
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments) =>
        problem.Input(0, 0).Type == DataType.BFloat16
            ? new Loader<BFloat16>(team).Load(problem, arguments)
            : new Loader<Float32>(team).Load(problem, arguments);

    private sealed class Loader<TElement>(ThreadTeam team) : GradientLoader<TElement> where TElement : IElement
    {
        protected override LoadedKernel Finish<TFirst, TAgain>(
            Problem problem, GradientChain chain, OperandAddresses at, TFirst first, TAgain again)
        {
            Node norm = chain.Take<BatchNormBackward>()!;
            Node? join = chain.Take<Add>();
            BatchNormBackwardVectors vectors = BatchNormBackwardVectors.Of(norm, at);
            RowExtent extent = RowExtent.Of(problem[norm.Inputs[1]].Shape);
            byte* x = at[norm.Inputs[1]];
            byte* dx = at[problem.Nodes[^1].Outputs[0]];
            return join is null
                ? new LoadedBatchNormBackward<TElement, TFirst, TAgain, Identity>(
                    team, extent, first, again, x, default, dx, vectors, at.Workspace())
                : new LoadedBatchNormBackward<TElement, TFirst, TAgain, Joined<TElement>>(
                    team, extent, first, again, x, new(at[join.Inputs[1]]), dx, vectors, at.Workspace());
        }
    }
}
