using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels.Elementwise;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Linear;

/// <summary>x, dy → dw, computed in float32; bf16 activations are widened first.</summary>
internal sealed unsafe class LinearBackwardFilterKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "linear_bwd_filter";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [LinearBackwardFilter operation] ? KernelSupport.No("not a linear_bwd_filter")
        : operation.ActivationType is not (DataType.Float32 or DataType.BFloat16) ? KernelSupport.No("takes f32 and bf16")
        : PlanOf(problem).Primitive is null ? KernelSupport.No("oneDNN has no such gradient on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        Value activations = problem.Input(0, 0);
        byte* x = plan.Converts ? at.Workspace(plan.WideOffset) : at[activations.Id];
        BoundPrimitive main = new BoundPrimitive(factory, plan.Primitive!)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X(DataType.Float32), x)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[node.Inputs[1]])
            .With(DnnlConstants.DNNL_ARG_DIFF_WEIGHTS, plan.Primitives.KeptWeight, at[node.Outputs[0]])
            .WithScratchpad(at.Workspace(plan.ScratchpadOffset));
        return plan.Converts
            ? new LoadedSequence(null,
                new LoadedElementwise<ConvertBody<BFloat16, Float32>>(
                    factory.Team, activations.Shape.Elements, 6, new(at[activations.Id], x)),
                main)
            : main;
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        LinearBackwardFilter linear = (LinearBackwardFilter)problem.Nodes[0].Operation;
        Value x = problem.Input(0, 0);
        return new Plan(new LinearPrimitives(factory, x.Shape.D0, linear.InFeatures, linear.OutFeatures),
            linear.ActivationType != DataType.Float32, x.Shape.Elements * sizeof(float));
    });

    private sealed class Plan
    {
        internal Plan(LinearPrimitives primitives, bool converts, long wideBytes)
        {
            Primitives = primitives;
            Converts = converts;
            Primitive = primitives.BackwardWeight();
            WorkspaceLayout layout = default;
            ScratchpadOffset = layout.Reserve(Primitive?.ScratchpadBytes ?? 0);
            WideOffset = layout.Reserve(converts ? wideBytes : 0);
            WorkspaceBytes = layout.Bytes;
        }

        internal LinearPrimitives Primitives { get; }
        internal CompiledPrimitive? Primitive { get; }
        internal bool Converts { get; }
        internal long WorkspaceBytes { get; }
        internal long ScratchpadOffset { get; }
        internal long WideOffset { get; }
    }
}
