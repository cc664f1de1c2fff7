using CudnnResNet.Cuda.Device;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>The gradient of a bias.</summary>
internal sealed class ChannelSumKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "channel_sum";

    protected override string? Refusal(Problem problem) => problem.Operations is [ChannelSum]
        ? RefusalOf(problem.Input(0, 0).Type)
        : "takes channel_sum alone";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        Value x = problem.Input(0, 0);
        RowChunks chunks = RowChunks.Of(x.Shape, x.Type, Session.Device.Multiprocessors);
        return [Session.Launch("batch_norm.cu", $"channel_sums_{x.Type.ShortName()}", new Grid(chunks.FinishBlocks),
            [at.Input(0, 0), at.Output(0, 0), chunks.Rows, chunks.Channels])];
    }
}
