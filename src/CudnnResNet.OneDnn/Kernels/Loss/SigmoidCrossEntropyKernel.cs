using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Loss;

/// <summary>
/// One logit an image, on the calling thread: the loss is softplus(z) - t * z with t = (1 - s) * label + s / 2, the
/// gradient (sigmoid(z) - t) / N.
/// </summary>
internal sealed unsafe class SigmoidCrossEntropyKernel(bool gradient) : Kernel
{
    public override string Name => gradient ? "sigmoid_ce_bwd" : "sigmoid_ce";

    public override KernelSupport Check(Problem problem) =>
        problem.Nodes.Length != 1 || Smoothing(problem) is null ? KernelSupport.No($"not a {Name}")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("logits are f32")
        : KernelSupport.Yes;

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        gradient ? problem.Nodes[0].Inputs[0] : null;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new Loaded(problem.Input(0, 0).Shape.D0, at.Floats(node.Inputs[0]), (int*)at[node.Inputs[1]],
            at.Floats(node.Outputs[0]), Smoothing(problem)!.Value, gradient);
    }

    private double? Smoothing(Problem problem) => problem.Nodes[0].Operation switch
    {
        SigmoidCrossEntropy loss when !gradient => loss.Smoothing,
        SigmoidCrossEntropyBackward loss when gradient => loss.Smoothing,
        _ => null,
    };

    private sealed class Loaded(int images, float* logits, int* labels, float* result, double smoothing, bool gradient)
        : LoadedKernel
    {
        public override void Run()
        {
            double sum = 0;
            for (int image = 0; image < images; image++)
            {
                double z = logits[image];
                double target = (1 - smoothing) * labels[image] + smoothing / 2;
                if (gradient)
                    result[image] = (float)((1 / (1 + Math.Exp(-z)) - target) / images);
                else
                    sum += Math.Max(z, 0) + Math.Log(1 + Math.Exp(-Math.Abs(z))) - target * z;
            }
            if (!gradient)
                *result = (float)(sum / images);
        }
    }
}
