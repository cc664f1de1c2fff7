using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>
/// Batch norm, then add and ReLU, by cuDNN's NormAddRelu. The running statistics move in a kernel of ours: whether cuDNN
/// takes the biased or the unbiased variance is not documented.
/// </summary>
internal sealed class NormForwardKernel(CudaSession session, int rank) : FusedEngineKernel(session, "cudnn_norm_fwd", rank)
{
    private const int SpareMean = 0;
    private const int SpareDeviation = 1;

    protected override string? Refusal(Problem problem) =>
        problem.Operations[0] is not BatchNormTraining || !ChainTail.FollowsAlone(problem)
            ? "takes bn_train, then add and relu in this order"
            : OwnKernel.RefusalOf(problem.Input(0, 0).Type);

    protected override long[] PartBytes(Problem problem)
    {
        long vector = problem.Input(0, 0).Shape.C * sizeof(float);
        return [vector, vector];
    }

    protected override void Build(Problem problem, OperationGraph graph)
    {
        Value x = problem.Input(0, 0);
        Node norm = problem.Nodes[0];
        GraphTensor Statistic(int slot, int part) => problem.IsMaterialised(norm.Outputs[slot])
            ? graph.Of(problem[norm.Outputs[slot]])
            : graph.Part(part, problem[norm.Outputs[slot]].Shape, problem[norm.Outputs[slot]].Type);
        int last = problem.Nodes.Length - 1;
        GraphTensor current = last == 0 ? graph.Of(problem.Output(0, 0)) : graph.Virtual(x.Shape);
        graph.NormForward(graph.Of(x), graph.Of(problem.Input(0, 1)), graph.Of(problem.Input(0, 2)),
            graph.Scalar(((BatchNormTraining)norm.Operation).Epsilon), Statistic(1, SpareMean), Statistic(2, SpareDeviation), current);
        for (int i = 1; i <= last; i++)
        {
            GraphTensor next = i == last ? graph.Of(problem.Output(i, 0)) : graph.Virtual(x.Shape);
            ValueId chain = problem.Nodes[i - 1].Outputs[0];
            if (problem.Operations[i] is Add)
                graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_ADD, current,
                    graph.Of(problem[problem.Nodes[i].Inputs.Single(id => id != chain)]), next);
            else
                graph.Pointwise(cudnnPointwiseMode_t.CUDNN_POINTWISE_RELU_FWD, current, null, next);
            current = next;
        }
    }

    protected override IEnumerable<KernelLaunch> After(Problem problem, Memory memory)
    {
        BatchNormTraining norm = (BatchNormTraining)problem.Operations[0];
        Value x = problem.Input(0, 0);
        Node node = problem.Nodes[0];
        yield return Session.Launch("batch_norm.cu", "batch_norm_move_running", new Grid((x.Shape.C + 255) / 256),
            [memory.OfOr(node.Outputs[1], SpareMean), memory.OfOr(node.Outputs[2], SpareDeviation), memory.Of(node.Inputs[3]),
                memory.Of(node.Inputs[4]), x.Shape.Elements / x.Shape.C, x.Shape.C, (float)norm.Epsilon, (float)norm.Momentum]);
    }
}
