using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>dgrad [Add] of stride 1 in bf16 by the definition, in one pass.</summary>
internal sealed unsafe class DirectBackwardDataKernel(DirectConvolution direct) : Kernel
{
    public override string Name { get; } = $"conv_bwd_data_{direct.Suffix}";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not ([ConvolutionBackwardData] or [ConvolutionBackwardData, Add]))
            return KernelSupport.No("not a chain of conv_bwd_data [add]");
        if (!ChainReader.KeepsOnly(problem) || Join(problem) is { } add && !ChainReader.IsSide(problem, add.Inputs[1]))
            return KernelSupport.No("dx itself is not kept");
        ConvolutionGeometry g = Geometry(problem);
        return g.Stride != 1 || g.Padding > g.R - 1 || g.R != g.S
            ? KernelSupport.No("direct gradients take square filters of stride 1, padded by less than their size")
            : DirectConvolution.Check(g, problem.Input(0, 0).Type);
    }

    public override long WorkspaceBytes(Problem problem) =>
        DirectConvolution.WorkspaceBytes(Native(problem), problem.ConstantWeights);

    public override long PackedBytes(Problem problem) =>
        problem.ConstantWeights ? DirectConvolution.FilterBytes(Native(problem)) : 0;

    public override ValueId? MayOverwrite(Problem problem, ValueId output)
    {
        if (Join(problem) is not { } add)
            return null;
        // What the convolution reads must survive until the last panel of filters.
        return problem.Nodes[0].Inputs.Contains(add.Inputs[1]) ? null : add.Inputs[1];
    }

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        DirectConvolution.Operands operands = new(
            X: (nint)at[node.Inputs[0]],
            Filter: (nint)at[node.Inputs[1]],
            Bias: 0,
            Other: Join(problem) is { } add ? (nint)at[add.Inputs[1]] : 0,
            Relu: false,
            Y: (nint)at[problem.Nodes[^1].Outputs[0]]);
        return DirectConvolution.Load(Native(problem), isBackward: true, problem.ConstantWeights, operands, at);
    }

    private CpuDirectProblem Native(Problem problem) => direct.BackwardData(problem.Input(0, 0).Shape.N, Geometry(problem));

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;

    private static Node? Join(Problem problem) => problem.Nodes.Length == 2 ? problem.Nodes[1] : null;
}
