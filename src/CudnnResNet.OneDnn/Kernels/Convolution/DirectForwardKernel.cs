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
        return support.IsSupported ? DirectConvolution.Check(Geometry(problem), problem.Input(0, 0).Type) : support;
    }

    public override long WorkspaceBytes(Problem problem) =>
        DirectConvolution.WorkspaceBytes(Native(problem), problem.ConstantWeights);

    public override long PackedBytes(Problem problem) =>
        problem.ConstantWeights ? DirectConvolution.FilterBytes(Native(problem)) : 0;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        ChainReader.Addend(problem, new ConvolutionChain(problem).Join);

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        ConvolutionChain chain = new(problem);
        Node convolution = problem.Nodes[0];
        CpuDirectOperands operands = new()
        {
            X = at[convolution.Inputs[0]],
            Bias = convolution.Inputs.Length == 3 ? at.Floats(convolution.Inputs[2]) : null,
            Other = chain.Join is { } add ? at[add.Inputs[1]] : null,
            Relu = chain.Relu is null ? 0 : 1,
            Y = at[problem.Nodes[^1].Outputs[0]],
        };
        return DirectConvolution.Load(Native(problem), isBackward: false, problem.ConstantWeights,
            at.Floats(convolution.Inputs[1]), operands, at);
    }

    private CpuDirectProblem Native(Problem problem) => direct.Forward(problem.Input(0, 0).Shape.N, Geometry(problem));

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionForward)problem.Nodes[0].Operation).Geometry;
}
