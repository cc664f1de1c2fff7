using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>dgrad [Add] by Winograd's method; the other gradient is added on the way back to NHWC.</summary>
internal sealed unsafe class WinogradBackwardDataKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_bwd_data_winograd";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not ([ConvolutionBackwardData] or [ConvolutionBackwardData, Add]))
            return KernelSupport.No("not a chain of conv_bwd_data [add]");
        KernelSupport support = WinogradGeometry.Check(Geometry(problem), problem.Input(0, 0).Type);
        if (!support.IsSupported)
            return support;
        if (!ChainReader.KeepsOnly(problem) || Join(problem) is { } add && !ChainReader.IsSide(problem, add.Inputs[1]))
            return KernelSupport.No("dx itself is not kept");
        return PlanOf(problem).Weighted is null
            ? KernelSupport.No("oneDNN has no Winograd gradient for these extents and this processor")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => PlanOf(problem).Weighted!.PackedBytes;

    /// <summary>Everything was read into blocks before the result is written.</summary>
    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        Join(problem)?.Inputs[1] ?? problem.Nodes[0].Inputs[0];

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        WeightedPlan weighted = plan.Weighted!;
        Node node = problem.Nodes[0];
        OperandAddresses at = new(arguments);
        byte* dx = at.Workspace(plan.DxOffset), dy = at.Workspace(plan.DyOffset);
        LoadedKernel? packing = weighted.BindPacking(at, at[node.Inputs[1]], out byte* w);
        BoundPrimitive main = new BoundPrimitive(factory, weighted.Primitive)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, dy)
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, weighted.Packing.Wanted, w)
            .With(DnnlConstants.DNNL_ARG_DIFF_SRC, plan.Primitives.X, dx)
            .With(DnnlConstants.DNNL_ARG_SCRATCHPAD,
                weighted.Primitive.Format(dnnl_query_t.dnnl_query_scratchpad_md), at.Workspace(weighted.ScratchpadOffset));
        LoadedBlocking blocking = new(factory.Team, plan.Geometry.Y, at.Floats(node.Inputs[0]), (float*)dy);
        SlicedKernel unblocking = Unblocking.Load(factory.Team, plan.Geometry.X, dx,
            Join(problem) is { } add ? at[add.Inputs[1]] : null, relu: false, at[problem.Nodes[^1].Outputs[0]]);
        return weighted.IsPackedOnce
            ? new LoadedSequence(packing, blocking, main, unblocking)
            : new LoadedSequence(null, packing, blocking, main, unblocking);
    }

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;

    private static Node? Join(Problem problem) => problem.Nodes.Length == 2 ? problem.Nodes[1] : null;

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        WinogradGeometry geometry = new(problem.Input(0, 0).Shape.N, Geometry(problem));
        ConvolutionPrimitives primitives = geometry.Primitives(factory);
        return new Plan(geometry, primitives, primitives.BackwardData() is { } backward
            ? new WeightedPlan(backward, primitives.Packing(backward), problem.ConstantWeights)
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
            DxOffset = layout.Reserve(geometry.X.Bytes);
            DyOffset = layout.Reserve(geometry.Y.Bytes);
            WorkspaceBytes = layout.Bytes;
        }

        internal WinogradGeometry Geometry { get; }
        internal ConvolutionPrimitives Primitives { get; }
        internal WeightedPlan? Weighted { get; }
        internal long DxOffset { get; }
        internal long DyOffset { get; }
        internal long WorkspaceBytes { get; }
    }
}
