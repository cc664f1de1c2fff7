using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>Convolution [bias] [Add] [ReLU] in bf16 by the definition, in one pass.</summary>
internal sealed unsafe class DirectForwardKernel(DirectConvolution direct) : Kernel
{
    public override string Name { get; } = $"conv_fwd_{direct.Suffix}";

    public override KernelSupport Check(Problem problem)
    {
        KernelSupport support = new ConvolutionChain(problem).Check(problem);
        return support.IsSupported ? DirectConvolution.Check(new ConvolutionChain(problem).Geometry, problem.Input(0, 0).Type) : support;
    }

    public override long WorkspaceBytes(Problem problem) => Place(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => Place(problem).PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        ConvolutionOperands given = new ConvolutionChain(problem).Operands(problem, at);
        CpuDirectOperands operands = new()
        {
            X = given.X,
            Bias = given.Bias,
            Other = given.Other,
            Relu = given.IsRectified ? 1 : 0,
            Y = given.Y,
        };
        return DirectConvolution.Load(Native(problem), isBackward: false, problem.ConstantWeights, given.Filter, operands, at);
    }

    private FilterPlace Place(Problem problem) => DirectConvolution.Place(Native(problem), problem.ConstantWeights);

    private CpuDirectProblem Native(Problem problem) =>
        direct.Forward(problem.Input(0, 0).Shape.N, new ConvolutionChain(problem).Geometry);
}
