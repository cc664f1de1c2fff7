using CudnnResNet.Cuda.Device;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>What scales the gradient of the loss, and what moves the scale at the end of a step.</summary>
internal sealed class LossScalingKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "loss_scaling";

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        problem.Operations[0] is Scale ? problem.Nodes[0].Inputs[0] : null;

    protected override string? Refusal(Problem problem) => problem.Operations is not [Scale or AdjustLossScale]
        ? "takes scale or adjust_loss_scale alone"
        : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        const string Program = "loss_scaling.cu";
        if (problem.Operations[0] is AdjustLossScale adjust)
            return [Session.Launch(Program, "adjust_loss_scale", new Grid(1), [at.Input(0, 0), at.Input(0, 1), at.Input(0, 2),
                at.Input(0, 3), at.Input(0, 4), (float)adjust.Growth, (float)adjust.Backoff, (float)adjust.Interval])];
        long elements = problem.Input(0, 0).Shape.Elements;
        return [Session.Launch(Program, "scale", elements / 4, [at.Input(0, 0), at.Input(0, 1), at.Output(0, 0), elements])];
    }
}
