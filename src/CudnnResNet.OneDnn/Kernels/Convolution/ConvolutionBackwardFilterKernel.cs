using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>wgrad: x, dy → dw in float32, brought from oneDNN's layout to KRSC.</summary>
internal sealed unsafe class ConvolutionBackwardFilterKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_bwd_filter";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [ConvolutionBackwardFilter] ? KernelSupport.No("not a conv_bwd_filter")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : PlanOf(problem).Filter is null ? KernelSupport.No("oneDNN has no such gradient on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).Filter!.WorkspaceBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        BoundPrimitive main = new BoundPrimitive(factory, plan.Filter!.Primitive)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X, at[node.Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[node.Inputs[1]]);
        return new LoadedSequence(
            null, plan.Filter.Bind(main, at, at[node.Outputs[0]], out LoadedKernel? unpacking), unpacking);
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        Value x = problem.Input(0, 0);
        ConvolutionGeometry geometry = ((ConvolutionBackwardFilter)problem.Nodes[0].Operation).Geometry;
        ConvolutionPrimitives primitives = new(factory, x.Shape.N, geometry, x.Type);
        return new Plan(primitives, primitives.BackwardFilter() is { } backward
            ? new FilterGradientPlan(factory, backward, primitives.KeptFilter)
            : null);
    });

    private sealed record Plan(ConvolutionPrimitives Primitives, FilterGradientPlan? Filter);
}
