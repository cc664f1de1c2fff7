using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Native;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>dgrad [Add] by Winograd's method in one pass.</summary>
internal sealed unsafe class WinogradBackwardDataKernel(WinogradConvolution winograd, int tile) : Kernel
{
    public override string Name { get; } = $"conv_bwd_data_winograd{tile}";

    public override KernelSupport Check(Problem problem)
    {
        if (problem.Operations is not ([ConvolutionBackwardData] or [ConvolutionBackwardData, Add]))
            return KernelSupport.No("not a chain of conv_bwd_data [add]");
        if (!ChainReader.KeepsOnly(problem) || Join(problem) is { } add && !ChainReader.IsSide(problem, add.Inputs[1]))
            return KernelSupport.No("dx itself is not kept");
        return winograd.Check(Geometry(problem), problem.Input(0, 0).Type);
    }

    public override long WorkspaceBytes(Problem problem) => Place(problem).WorkspaceBytes;

    public override long PackedBytes(Problem problem) => Place(problem).PackedBytes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) => ChainReader.Addend(problem, Join(problem));

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        ConvolutionOperands operands = new()
        {
            X = at[node.Inputs[0]],
            Filter = at.Floats(node.Inputs[1]),
            Other = Join(problem) is { } add ? at[add.Inputs[1]] : null,
            Y = at[problem.Nodes[^1].Outputs[0]],
        };
        return WinogradConvolution.Load(Native(problem), isBackward: true, problem.ConstantWeights, operands, at);
    }

    private FilterPlace Place(Problem problem) => WinogradConvolution.Place(Native(problem), problem.ConstantWeights);

    private CpuWinogradProblem Native(Problem problem) =>
        winograd.BackwardData(problem.Input(0, 0).Shape.N, Geometry(problem), problem.Input(0, 0).Type);

    private static ConvolutionGeometry Geometry(Problem problem) =>
        ((ConvolutionBackwardData)problem.Nodes[0].Operation).Geometry;

    private static Node? Join(Problem problem) => problem.Nodes.Length == 2 ? problem.Nodes[1] : null;
}
