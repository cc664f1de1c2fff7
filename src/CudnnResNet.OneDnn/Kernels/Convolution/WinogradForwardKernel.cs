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
        return support.IsSupported ? winograd.Check(new ConvolutionChain(problem).Geometry, problem.Input(0, 0).Type) : support;
    }

    public override long WorkspaceBytes(Problem problem) => Place(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => Place(problem).PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        return WinogradConvolution.Load(Native(problem), isBackward: false, problem.ConstantWeights,
            new ConvolutionChain(problem).Operands(problem, at), at);
    }

    private FilterPlace Place(Problem problem) => WinogradConvolution.Place(Native(problem), problem.ConstantWeights);

    private CpuWinogradProblem Native(Problem problem) =>
        winograd.Forward(problem.Input(0, 0).Shape.N, new ConvolutionChain(problem).Geometry, problem.Input(0, 0).Type);
}
