using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// Convolution [bias] [Add] [ReLU] by Winograd's method: x into channel blocks, convolve, and back to NHWC with the add
/// and the ReLU.
/// </summary>
internal sealed unsafe class WinogradForwardKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_fwd_winograd";

    public override KernelSupport Check(Problem problem)
    {
        KernelSupport support = new ConvolutionChain(problem).Check(problem);
        if (support.IsSupported)
            support = WinogradGeometry.Check(Geometry(problem), problem.Input(0, 0).Type);
        if (!support.IsSupported)
            return support;
        return PlanOf(problem).Weighted is null
            ? KernelSupport.No("oneDNN has no Winograd convolution for these extents and this processor")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => PlanOf(problem).Weighted!.PackedBytes;

    /// <summary>Everything was read into blocks before the result is written.</summary>
    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        new ConvolutionChain(problem).Join?.Inputs[1] ?? problem.Nodes[0].Inputs[0];

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        WeightedPlan weighted = plan.Weighted!;
        ConvolutionChain chain = new(problem);
        Node convolution = problem.Nodes[0];
        OperandAddresses at = new(arguments);
        byte* x = at.Workspace(plan.XOffset), y = at.Workspace(plan.YOffset);
        LoadedKernel? packing = weighted.BindPacking(at, at[convolution.Inputs[1]], out byte* w);
        BoundPrimitive main = new BoundPrimitive(factory, weighted.Primitive)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X, x)
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, weighted.Packing.Wanted, w)
            .With(DnnlConstants.DNNL_ARG_DST, plan.Primitives.Y, y)
            .With(DnnlConstants.DNNL_ARG_SCRATCHPAD,
                weighted.Primitive.Format(dnnl_query_t.dnnl_query_scratchpad_md), at.Workspace(weighted.ScratchpadOffset));
        if (convolution.Inputs.Length == 3)
            _ = main.With(DnnlConstants.DNNL_ARG_BIAS, plan.Primitives.Bias, at[convolution.Inputs[2]]);
        LoadedBlocking blocking = new(
            factory.Team, plan.Geometry.X, at.Floats(convolution.Inputs[0]), (float*)x);
        SlicedKernel unblocking = Unblocking.Load(factory.Team, plan.Geometry.Y, y,
            chain.Join is { } add ? at[add.Inputs[1]] : null, chain.Relu is not null, at[problem.Nodes[^1].Outputs[0]]);
        return weighted.IsPackedOnce
            ? new LoadedSequence(packing, blocking, main, unblocking)
            : new LoadedSequence(null, packing, blocking, main, unblocking);
    }

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionForward)problem.Nodes[0].Operation).Geometry;

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        WinogradGeometry geometry = new(problem.Input(0, 0).Shape.N, Geometry(problem));
        ConvolutionPrimitives primitives = geometry.Primitives(factory);
        ConvolutionEpilogue epilogue = new(problem.Nodes[0].Inputs.Length == 3, Sum: false, Relu: false);
        return new Plan(geometry, primitives, primitives.Forward(epilogue, problem.ConstantWeights) is { } forward
            ? new WeightedPlan(forward, primitives.Packing(forward), problem.ConstantWeights)
            : null);
    });

    private sealed class Plan
    {
        internal Plan(WinogradGeometry geometry, ConvolutionPrimitives primitives, WeightedPlan? weighted)
        {
            Geometry = geometry;
            Primitives = primitives;
            Weighted = weighted;
            WorkspaceLayout layout = default;
            _ = layout.Reserve(weighted?.WorkspaceBytes ?? 0);
            XOffset = layout.Reserve(geometry.X.Bytes);
            YOffset = layout.Reserve(geometry.Y.Bytes);
            WorkspaceBytes = layout.Bytes;
        }

        internal WinogradGeometry Geometry { get; }
        internal ConvolutionPrimitives Primitives { get; }
        internal WeightedPlan? Weighted { get; }
        internal long XOffset { get; }
        internal long YOffset { get; }
        internal long WorkspaceBytes { get; }
    }
}
