using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>Convolution [bias] [Add] [ReLU] by Winograd's method in one pass.</summary>
internal sealed unsafe class WinogradForwardKernel(WinogradConvolution winograd, int tile) : Kernel
{
    public override string Name { get; } = $"conv_fwd_winograd{tile}";

    public override KernelSupport Check(Problem problem)
    {
        KernelSupport support = new ConvolutionChain(problem).Check(problem);
        return support.IsSupported ? winograd.Check(Geometry(problem), problem.Input(0, 0).Type) : support;
    }

    public override long WorkspaceBytes(Problem problem) =>
        WinogradConvolution.WorkspaceBytes(Native(problem), problem.ConstantWeights);

    public override long PackedBytes(Problem problem) =>
        problem.ConstantWeights ? WinogradConvolution.FilterBytes(Native(problem)) : 0;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        ConvolutionChain chain = new(problem);
        Node convolution = problem.Nodes[0];
        WinogradConvolution.Operands operands = new(
            X: (nint)at[convolution.Inputs[0]],
            Filter: (nint)at[convolution.Inputs[1]],
            Bias: convolution.Inputs.Length == 3 ? (nint)at[convolution.Inputs[2]] : 0,
            Other: chain.Join is { } add ? (nint)at[add.Inputs[1]] : 0,
            Relu: chain.Relu is not null,
            Y: (nint)at[problem.Nodes[^1].Outputs[0]]);
        return WinogradConvolution.Load(Native(problem), isBackward: false, problem.ConstantWeights, operands, at);
    }

    private CpuWinogradProblem Native(Problem problem) =>
        winograd.Forward(problem.Input(0, 0).Shape.N, Geometry(problem), problem.Input(0, 0).Type);

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionForward)problem.Nodes[0].Operation).Geometry;
}
