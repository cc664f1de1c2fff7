using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// A filter's gradient that makes the layer's input again from what a batch norm read, on its way into the product
/// (cuDNN's ConvBNwgrad): the activation need not lie in memory, neither kept nor recomputed.
/// </summary>
internal sealed class NormFilterGradientKernel(CudaSession session, int rank) : FusedEngineKernel(session, "cudnn_norm_wgrad", rank)
{
    private const int FoldedScale = 0;
    private const int FoldedBias = 1;
    private const int Gradient = 2;

    public override bool RoundsToActivationType(Problem problem, ValueId output) => output == problem.Nodes[2].Outputs[0];

    protected override string? Refusal(Problem problem)
    {
        if (problem.Operations is not [BatchNormApply, Relu, ConvolutionBackwardFilter]
            || problem.IsMaterialised(problem.Nodes[0].Outputs[0]) || problem.IsMaterialised(problem.Nodes[1].Outputs[0]))
            return "takes bn_apply, relu and conv_bwd_filter, of which the last alone is written";
        return problem.Input(0, 0).Type == DataType.Float16 ? null : "takes f16 alone";
    }

    protected override long[] PartBytes(Problem problem)
    {
        Value x = problem.Input(0, 0);
        long vector = x.Shape.C * x.Type.ByteSize();
        return [vector, vector, problem.Output(2, 0).Shape.Elements * x.Type.ByteSize()];
    }

    protected override void Build(Problem problem, OperationGraph graph)
    {
        Value x = problem.Input(0, 0), dw = problem.Output(2, 0);
        GraphTensor activation = Prologue.Append(graph, x, FoldedScale, FoldedBias);
        GraphTensor dy = graph.Of(problem.Input(2, 1)), result = graph.Part(Gradient, dw.Shape, x.Type);
        graph.Convolution(ConvolutionPass.BackwardFilter, ((ConvolutionBackwardFilter)problem.Operations[2]).Geometry, activation, result, dy);
    }

    protected override IEnumerable<KernelLaunch> Before(Problem problem, Memory memory)
    {
        Node norm = problem.Nodes[0];
        yield return Prologue.Fold(Session, problem.Input(0, 0).Shape.C, memory.Of(norm.Inputs[1]), memory.Of(norm.Inputs[2]),
            memory.Of(norm.Inputs[3]), memory.Of(norm.Inputs[4]), memory.Part(FoldedScale), memory.Part(FoldedBias));
    }

    protected override IEnumerable<KernelLaunch> After(Problem problem, Memory memory)
    {
        Value dw = problem.Output(2, 0);
        yield return Session.Casts.Create(problem.Input(0, 0).Type, memory.Part(Gradient), dw.Type, memory.Of(dw.Id), dw.Shape.Elements);
    }
}
