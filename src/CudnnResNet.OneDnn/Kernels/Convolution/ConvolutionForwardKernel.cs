using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Primitives;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>
/// Convolution [bias] [Add] [ReLU] in one primitive. The tensor to add is found in the result's memory, and copied there
/// first where the plan did not place them together: even that is faster than oneDNN's reading of a second operand.
/// </summary>
internal sealed unsafe class ConvolutionForwardKernel(PrimitiveFactory factory) : Kernel
{
    public override string Name => "conv_fwd";

    public override KernelSupport Check(Problem problem)
    {
        KernelSupport support = new ConvolutionChain(problem).Check(problem);
        if (!support.IsSupported)
            return support;
        return Plan(problem).Weighted is null
            ? KernelSupport.No("oneDNN has no such convolution on this processor")
            : KernelSupport.Yes;
    }

    public override long WorkspaceBytes(Problem problem) => Plan(problem).Weighted!.WorkspaceBytes;

    public override long PackedBytes(Problem problem) => Plan(problem).Weighted!.PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        ConvolutionForwardPlan plan = Plan(problem);
        WeightedPlan weighted = plan.Weighted!;
        OperandAddresses at = new(arguments);
        ConvolutionOperands operands = new ConvolutionChain(problem).Operands(problem, at);
        LoadedKernel? packing = weighted.BindPacking(at, (byte*)operands.Filter, out byte* w);
        BoundPrimitive main = new BoundPrimitive(factory, weighted.Primitive)
            .With(DnnlConstants.DNNL_ARG_SRC, plan.Primitives.X, operands.X)
            .With(DnnlConstants.DNNL_ARG_WEIGHTS, weighted.Packing.Wanted, w)
            .With(DnnlConstants.DNNL_ARG_DST, plan.Primitives.Y, operands.Y)
            .WithScratchpad(at.Workspace(weighted.ScratchpadOffset));
        if (operands.Bias != null)
            _ = main.With(DnnlConstants.DNNL_ARG_BIAS, plan.Primitives.Bias, (byte*)operands.Bias);
        bool copies = operands.Other != null && operands.Other != operands.Y;
        LoadedKernel? copy = copies ? Copy(problem[problem.Nodes[^1].Outputs[0]], operands.Other, operands.Y) : null;
        return weighted.Sequence(packing, copy, main);
    }

    private LoadedKernel Copy(Value like, byte* from, byte* to)
    {
        RowExtent extent = RowExtent.Of(like.Shape);
        return like.Type == DataType.BFloat16
            ? new LoadedPointwise<BFloat16, Stored<BFloat16>, Unchanged, Identity>(
                factory.Team, extent, new(from), table: null, default, default, to)
            : new LoadedPointwise<Float32, Stored<Float32>, Unchanged, Identity>(
                factory.Team, extent, new(from), table: null, default, default, to);
    }

    private ConvolutionForwardPlan Plan(Problem problem) => factory.Plan(Name, problem.Line, () =>
    {
        ConvolutionChain chain = new(problem);
        Value x = problem.Input(0, 0);
        ConvolutionPrimitives primitives = new(factory, x.Shape.N, chain.Geometry, x.Type);
        ConvolutionEpilogue epilogue = new(problem.Nodes[0].Inputs.Length == 3, chain.Join is not null, chain.Relu is not null);
        return primitives.Forward(epilogue, problem.ConstantWeights) is { } forward
            ? new ConvolutionForwardPlan(primitives, new WeightedPlan(forward,
                primitives.Packing(forward),
                problem.ConstantWeights))
            : new ConvolutionForwardPlan(primitives, null);
    });

    private sealed record ConvolutionForwardPlan(ConvolutionPrimitives Primitives, WeightedPlan? Weighted);
}
