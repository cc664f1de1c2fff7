using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>dgrad of a 1x1 convolution as an inner product: dx[M,C] = dy[M,K] w[K,C] with M = N * H * W.</summary>
internal sealed unsafe class InnerProductBackwardDataKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_bwd_data_product";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not [ConvolutionBackwardData { Geometry: var geometry }])
            return KernelSupport.No("not a conv_bwd_data");
        KernelSupport support = PointwiseInnerProduct.Check(geometry, problem.Input(0, 0).Type);
        if (!support.IsSupported)
            return support;
        return PlanOf(problem).Primitive is null ? KernelSupport.No("oneDNN has no such product here") : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => PlanOf(problem).Primitive!.ScratchpadBytes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        Plan plan = PlanOf(problem);
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new BoundPrimitive(factory, plan.Primitive!)
            .With(DnnlConstants.DNNL_ARG_DIFF_DST, plan.Primitives.Y, at[node.Inputs[0]])
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, plan.Primitives.KeptWeight, at[node.Inputs[1]])
            .With(DnnlConstants.DNNL_ARG_DIFF_SRC, plan.Primitives.X(DataType.Float32), at[node.Outputs[0]])
            .WithScratchpad(at.Workspace());
    }

    private Plan PlanOf(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        ConvolutionGeometry geometry = ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;
        LinearPrimitives primitives = PointwiseInnerProduct.Primitives(factory, problem.Input(0, 0).Shape.N, geometry);
        return new Plan(primitives, primitives.BackwardData());
    });

    private sealed record Plan(LinearPrimitives Primitives, CompiledPrimitive? Primitive);
}
