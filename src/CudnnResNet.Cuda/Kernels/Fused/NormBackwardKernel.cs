using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Kernels.Own;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>The gradients of a batch norm behind the mask of its ReLU by cuDNN's norm engines (DReluForkDNorm and kin).</summary>
internal sealed class NormBackwardKernel(CudaSession session, int rank) : FusedEngineKernel(session, "cudnn_norm_bwd", rank)
{
    protected override string? Refusal(Problem problem) =>
        NormGradientChain.Of(problem) is not { Other: null, Joined: null }
            ? "takes relu_bwd or norm_relu_bwd, then bn_bwd"
            : OwnKernel.RefusalOf(problem.Input(0, 0).Type);

    protected override long[] PartBytes(Problem problem) => [];

    protected override void Build(Problem problem, OperationGraph graph)
    {
        NormGradientChain chain = NormGradientChain.Of(problem)!;
        Value Input(int slot) => problem[chain.Norm.Inputs[slot]];
        GraphTensor x = graph.Of(Input(1)), gamma = graph.Of(Input(2)), mean = graph.Of(Input(3)), deviation = graph.Of(Input(4));
        GraphTensor dy = graph.Of(problem[chain.Dy]);
        if (chain.Result is not null || chain.Beta is not null)
        {
            GraphTensor forward = chain.Result is { } result
                ? graph.Of(problem[result])
                : graph.Normalised(Input(1).Shape, x, mean, deviation, gamma, graph.Of(problem[chain.Beta!.Value]));
            GraphTensor masked = chain.Written is { } written ? graph.Of(problem[written]) : graph.Virtual(Input(1).Shape);
            graph.ReluBackward(dy, forward, masked);
            dy = masked;
        }
        graph.NormBackward(dy, x, gamma, mean, deviation, graph.Of(problem[chain.Norm.Outputs[0]]),
            graph.Of(problem[chain.Norm.Outputs[1]]), graph.Of(problem[chain.Norm.Outputs[2]]));
    }
}
