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
        : PlanOf(problem).Primitive is null ? KernelSupport.No("oneDNN has no such gradient on this processor")
        : KernelSupport.Yes;

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        byte* dw = at[node.Outputs[0]];
        byte* native = plan.Unpacking is null ? dw : at.Workspace(plan.NativeOffset);
        BoundPrimitive main = new BoundPrimitive(factory, plan.Primitive!)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X, at[node.Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[node.Inputs[1]])
            .With(DnnlConstants.DNNL_ARG_DIFF_WEIGHTS, plan.Native, native)
            .With(DnnlConstants.DNNL_ARG_SCRATCHPAD,
                plan.Primitive!.Format(dnnl_query_t.dnnl_query_scratchpad_md), at.Workspace(plan.ScratchpadOffset));
        BoundPrimitive? unpacking = plan.Unpacking is null
            ? null
            : new BoundPrimitive(factory, plan.Unpacking)
                .With(DnnlConstants.DNNL_ARG_FROM, plan.Native, native)
                .With(DnnlConstants.DNNL_ARG_TO, plan.Primitives.KeptFilter, dw)
                .With(DnnlConstants.DNNL_ARG_SCRATCHPAD, plan.Unpacking.Format(dnnl_query_t.dnnl_query_scratchpad_md),
                    at.Workspace(plan.UnpackingScratchpadOffset));
        return new LoadedSequence(null, main, unpacking);
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        Value x = problem.Input(0, 0);
        ConvolutionGeometry geometry = ((ConvolutionBackwardFilter)problem.Nodes[0].Operation).Geometry;
        return new Plan(factory, new ConvolutionPrimitives(factory, x.Shape.N, geometry, x.Type));
    });

    private sealed class Plan
    {
        internal Plan(PrimitiveFactory factory, ConvolutionPrimitives primitives)
        {
            Primitives = primitives;
            Primitive = primitives.BackwardFilter();
            if (Primitive is null)
                return;
            Native = Primitive.Format(dnnl_query_t.dnnl_query_diff_weights_md);
            WorkspaceLayout layout = default;
            ScratchpadOffset = layout.Reserve(Primitive.ScratchpadBytes);
            if (!Formats.AreEqual(Native, primitives.KeptFilter))
            {
                Unpacking = factory.CompileReorder(Native, primitives.KeptFilter);
                NativeOffset = layout.Reserve(Formats.Bytes(Native));
                UnpackingScratchpadOffset = layout.Reserve(Unpacking.ScratchpadBytes);
            }
            WorkspaceBytes = layout.Bytes;
        }

        internal ConvolutionPrimitives Primitives { get; }
        internal CompiledPrimitive? Primitive { get; }
        internal dnnl_memory_desc_t Native { get; }
        internal CompiledPrimitive? Unpacking { get; }
        internal long WorkspaceBytes { get; }
        internal long ScratchpadOffset { get; }
        internal long NativeOffset { get; }
        internal long UnpackingScratchpadOffset { get; }
    }
}
