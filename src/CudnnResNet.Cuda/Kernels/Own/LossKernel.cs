using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Own;

/// <summary>The cross-entropies and their gradients, on float32 logits.</summary>
internal sealed class LossKernel(CudaSession session) : OwnKernel(session)
{
    public override string Name => "loss";

    public override long WorkspaceBytes(Problem problem) => problem.Operations[0] is SoftmaxCrossEntropy
        ? WorkspaceParts.Bytes(problem.Input(0, 0).Shape.D0 * sizeof(float))
        : 0;

    protected override string? Refusal(Problem problem) => problem.Operations is not [SoftmaxCrossEntropy
        or SoftmaxCrossEntropyBackward or SigmoidCrossEntropy or SigmoidCrossEntropyBackward]
        ? "takes a loss or its gradient alone"
        : problem.Input(0, 0).Type == DataType.Float32 ? null : "takes float32 logits";

    protected override KernelLaunch[] Launches(Problem problem, Operands at)
    {
        int images = problem.Input(0, 0).Shape.D0, classes = problem.Input(0, 0).Shape.C;
        CUdeviceptr logits = at.Input(0, 0), labels = at.Input(0, 1), result = at.Output(0, 0);
        switch (problem.Operations[0])
        {
            case SoftmaxCrossEntropy loss:
                CUdeviceptr losses = at.Workspace.Take(images * sizeof(float));
                return
                [
                    Session.Launch("losses.cu", "softmax_cross_entropy", new Grid(images),
                        [logits, labels, losses, classes, (float)loss.Smoothing]),
                    Session.Launch("losses.cu", "mean_loss", new Grid(1), [losses, result, images]),
                ];
            case SoftmaxCrossEntropyBackward loss:
                return [Session.Launch("losses.cu", "softmax_cross_entropy_backward", new Grid(images),
                    [logits, labels, result, classes, (float)loss.Smoothing])];
            case SigmoidCrossEntropy loss:
                return [Session.Launch("losses.cu", "sigmoid_cross_entropy", new Grid(1),
                    [logits, labels, result, images, (float)loss.Smoothing])];
            default:
                return [Session.Launch("losses.cu", "sigmoid_cross_entropy_backward", images,
                    [logits, labels, result, images, (float)((SigmoidCrossEntropyBackward)problem.Operations[0]).Smoothing])];
        }
    }
}
