using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Linear;

/// <summary>x, w, b → logits in float32. A weight that changes between runs is read as it lies where the types agree.</summary>
internal sealed unsafe class LinearForwardKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "linear";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [Graph.Linear] ? KernelSupport.No("not a linear")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : PlanOf(problem).Weighted is null ? KernelSupport.No("oneDNN has no such inner product on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).Weighted!.WorkspaceBytes;

    public override long PackedBytes(Problem problem) => PlanOf(problem).Weighted!.PackedBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        WeightedPlan weighted = plan.Weighted!;
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        LoadedKernel? packing = weighted.BindPacking(at, at[node.Inputs[1]], out byte* w);
        BoundPrimitive main = new BoundPrimitive(factory, weighted.Primitive)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X(problem.Input(0, 0).Type), at[node.Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, weighted.Packing.Wanted, w)
            .With(DnnlConstants.DNNL_ARG_BIAS, plan.Primitives.Bias, at[node.Inputs[2]])
            .With(DnnlConstants.DNNL_ARG_DST, plan.Primitives.Y, at[node.Outputs[0]])
            .WithScratchpad(at.Workspace(weighted.ScratchpadOffset));
        return weighted.Sequence(packing, main);
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        Value x = problem.Input(0, 0);
        Graph.Linear linear = (Graph.Linear)problem.Nodes[0].Operation;
        LinearPrimitives primitives = new(factory, x.Shape.D0, linear.InFeatures, linear.OutFeatures);
        bool readsInPlace = x.Type == DataType.Float32 && !problem.ConstantWeights;
        DnnlMemoryDescriptor weight = readsInPlace
            ? primitives.KeptWeight
            : Formats.AnyMatrix(linear.OutFeatures, linear.InFeatures, x.Type);
        return primitives.Forward(x.Type, weight) is { } forward
            ? new Plan(primitives, new WeightedPlan(forward,
                new FilterPacking(factory, primitives.KeptWeight, forward.Format(dnnl_query_t.dnnl_query_weights_md), primitives.KeptWeight),
                problem.ConstantWeights))
            : new Plan(primitives, null);
    });

    private sealed record Plan(LinearPrimitives Primitives, WeightedPlan? Weighted);
}
