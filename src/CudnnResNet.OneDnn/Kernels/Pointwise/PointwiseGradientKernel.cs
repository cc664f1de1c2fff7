using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>[Add | GlobalAveragePoolBackward] [ReluBackward] in one pass, optionally keeping the first result.</summary>
internal sealed unsafe class PointwiseGradientKernel(ThreadTeam team) : Kernel
{
    public override string Name => "pointwise_gradient";

    public override KernelSupport Check(Problem problem)
    {
        GradientChain chain = new(problem);
        if (!chain.AtEnd || chain is { Pool: null, Mask: null })
            return KernelSupport.No("not a chain of [add | avg_pool_bwd] [relu_bwd] with more than an add");
        if (!ChainReader.HasComputableType(problem))
            return KernelSupport.No("takes f32 and bf16");
        return chain.SidesAreInputs(problem)
            ? KernelSupport.Yes
            : KernelSupport.No("a side operand is produced inside the chain");
    }

    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        Node head = problem.Nodes[0];
        bool isKept = problem.Nodes[^1].Outputs[0] != output;
        bool keepsAnother = !isKept && problem.IsMaterialised(head.Outputs[0]) && problem.Nodes.Length > 1;
        if (head.Operation is GlobalAveragePoolBackward)
            return isKept || problem.Nodes.Length == 1 ? null : problem.Nodes[^1].Inputs[1];
        return keepsAnother ? problem.Nodes[^1].Inputs[1] : head.Inputs[0];
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
            Value y = problem[problem.Nodes[^1].Outputs[0]];
            return new LoadedPointwise<TElement, TFirst, Unchanged, Identity>(team, RowExtent.Of(y.Shape),
                first, table: null, default, default, at[y.Id]);
        }
    }
}
