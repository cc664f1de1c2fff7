using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>dgrad: dy, w → dx.</summary>
internal sealed unsafe class ConvolutionBackwardDataKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_bwd_data";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [ConvolutionBackwardData] ? KernelSupport.No("not a conv_bwd_data")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : PlanOf(problem).Weighted is null ? KernelSupport.No("oneDNN has no such gradient on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).Weighted!.WorkspaceBytes;

    public override long PackedBytes(Problem problem) => PlanOf(problem).Weighted!.PackedBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        WeightedPlan weighted = plan.Weighted!;
        OperandAddresses at = new(arguments);
        LoadedKernel? packing = weighted.BindPacking(at, at[problem.Nodes[0].Inputs[1]], out byte* w);
        BoundPrimitive main = new BoundPrimitive(factory, weighted.Primitive)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[problem.Nodes[0].Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, weighted.Packing.Wanted, w)
            .With(DnnlConstants.DNNL_ARG_DIFF_SRC, plan.Primitives.X, at[problem.Nodes[0].Outputs[0]])
            .WithScratchpad(at.Workspace(weighted.ScratchpadOffset));
        return weighted.Sequence(packing, main);
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        Value dy = problem.Input(0, 0);
        ConvolutionGeometry geometry = ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;
        ConvolutionPrimitives primitives = new(factory, dy.Shape.N, geometry, dy.Type);
        return primitives.BackwardData() is { } backward
            ? new Plan(primitives, new WeightedPlan(backward,
                primitives.Packing(backward),
                problem.ConstantWeights))
            : new Plan(primitives, null);
    });

    private sealed record Plan(ConvolutionPrimitives Primitives, WeightedPlan? Weighted);
}
