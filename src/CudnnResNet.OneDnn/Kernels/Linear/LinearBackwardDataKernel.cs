using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels.Elementwise;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Linear;

/// <summary>
/// dy, w → dx, computed in float32. Beside bf16 activations the weight is rounded to bf16 first and dx at the end; dy
/// keeps its precision.
/// </summary>
internal sealed unsafe class LinearBackwardDataKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "linear_bwd_data";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [LinearBackwardData operation] ? KernelSupport.No("not a linear_bwd_data")
        : operation.ActivationType is not (DataType.Float32 or DataType.BFloat16) ? KernelSupport.No("takes f32 and bf16")
        : PlanOf(problem).Primitive is null ? KernelSupport.No("oneDNN has no such gradient on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        Value weight = problem.Input(0, 1), dx = problem.Output(0, 0);
        byte* w = plan.Converts ? at.Workspace(plan.WeightOffset) : at[weight.Id];
        byte* result = plan.Converts ? at.Workspace(plan.ResultOffset) : at[dx.Id];
        BoundPrimitive main = new BoundPrimitive(factory, plan.Primitive!)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[node.Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, plan.Primitives.KeptWeight, w)
            .With(DnnlConstants.DNNL_ARG_DIFF_SRC, plan.Primitives.X(DataType.Float32), result)
            .WithScratchpad(at.Workspace(plan.ScratchpadOffset));
        return plan.Converts
            ? new LoadedSequence(null,
                new LoadedElementwise<RoundBody>(factory.Team, weight.Shape.Elements, 8, new((float*)at[weight.Id], (float*)w)),
                main,
                new LoadedElementwise<ConvertBody<Float32, BFloat16>>(
                    factory.Team, dx.Shape.Elements, 6, new(result, at[dx.Id])))
            : main;
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        LinearBackwardData linear = (LinearBackwardData)problem.Nodes[0].Operation;
        return new Plan(
            new LinearPrimitives(factory, problem.Input(0, 0).Shape.D0, linear.InFeatures, linear.OutFeatures),
            linear.ActivationType != DataType.Float32,
            problem.Input(0, 1).Bytes, problem.Output(0, 0).Shape.Elements * sizeof(float));
    });

    private sealed class Plan
    {
        internal Plan(LinearPrimitives primitives, bool converts, long weightBytes, long resultBytes)
        {
            Primitives = primitives;
            Converts = converts;
            Primitive = primitives.BackwardData();
            WorkspaceLayout layout = default;
            ScratchpadOffset = layout.Reserve(Primitive?.ScratchpadBytes ?? 0);
            WeightOffset = layout.Reserve(converts ? weightBytes : 0);
            ResultOffset = layout.Reserve(converts ? resultBytes : 0);
            WorkspaceBytes = layout.Bytes;
        }

        internal LinearPrimitives Primitives { get; }
        internal CompiledPrimitive? Primitive { get; }
        internal bool Converts { get; }
        internal long WorkspaceBytes { get; }
        internal long ScratchpadOffset { get; }
        internal long WeightOffset { get; }
        internal long ResultOffset { get; }
    }
}
