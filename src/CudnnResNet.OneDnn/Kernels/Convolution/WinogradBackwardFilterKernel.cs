using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>wgrad by Winograd's method: x and dy into channel blocks, convolve, and dw to KRSC.</summary>
internal sealed unsafe class WinogradBackwardFilterKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_bwd_filter_winograd";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not [ConvolutionBackwardFilter { Geometry: var geometry }])
            return KernelSupport.No("not a conv_bwd_filter");
        KernelSupport support = WinogradGeometry.Check(geometry, problem.Input(0, 0).Type);
        if (!support.IsSupported)
            return support;
        return PlanOf(problem).Filter is null
            ? KernelSupport.No("oneDNN has no Winograd gradient for these extents and this processor")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).WorkspaceBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        byte* x = at.Workspace(plan.XOffset), dy = at.Workspace(plan.DyOffset);
        FilterGradientPlan filter = plan.Filter!;
        BoundPrimitive main = new BoundPrimitive(factory, filter.Primitive)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X, x)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, dy);
        return new LoadedSequence(null,
            new LoadedBlocking(factory.Team, plan.Geometry.X, at.Floats(node.Inputs[0]), (float*)x),
            new LoadedBlocking(factory.Team, plan.Geometry.Y, at.Floats(node.Inputs[1]), (float*)dy),
            filter.Bind(main, at, at[node.Outputs[0]], out LoadedKernel? unpacking),
            unpacking);
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () => new Plan(factory,
        new WinogradGeometry(problem.Input(0, 0).Shape.N, ((ConvolutionBackwardFilter)problem.Nodes[0].Operation).Geometry)));

    private sealed class Plan
    {
        internal Plan(PrimitiveFactory factory, WinogradGeometry geometry)
        {
            Geometry = geometry;
            Primitives = geometry.Primitives(factory);
            if (Primitives.BackwardFilter() is { } backward)
                Filter = new FilterGradientPlan(factory, backward, Primitives.KeptFilter);
            WorkspaceLayout layout = default;
            _ = layout.Reserve(Filter?.WorkspaceBytes ?? 0);
            XOffset = layout.Reserve(geometry.X.Bytes);
            DyOffset = layout.Reserve(geometry.Y.Bytes);
            WorkspaceBytes = layout.Bytes;
        }

        internal WinogradGeometry Geometry { get; }
        internal ConvolutionPrimitives Primitives { get; }
        internal FilterGradientPlan? Filter { get; }
        internal long XOffset { get; }
        internal long DyOffset { get; }
        internal long WorkspaceBytes { get; }
    }
}
