using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>
/// What loss scaling adds to a step. This backend does not ask for it by itself; a graph that has it is run all the same,
/// element by element.
/// </summary>
internal sealed unsafe class LossScalingKernel : Kernel
{
    public override string Name => "loss_scaling";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [Scale or FindOverflow or AdjustLossScale] ? KernelSupport.No("takes scale, find_overflow or adjust_loss_scale")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("takes f32")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        float* In(int slot) => at.Floats(node.Inputs[slot]);
        long elements = problem.Input(0, 0).Shape.Elements;
        return node.Operation switch
        {
            Scale => new Scaling(In(0), In(1), at.Floats(node.Outputs[0]), elements),
            FindOverflow => new Search(In(0), In(1), elements),
            AdjustLossScale adjust => new Adjustment(In(0), In(1), In(2), In(3), In(4), adjust),
            _ => throw new InvalidOperationException($"'{problem}' was not accepted."),
        };
    }

    private sealed class Scaling(float* x, float* factor, float* y, long elements) : LoadedKernel
    {
        public override void Run()
        {
            float by = *factor;
            for (long i = 0; i < elements; i++)
                y[i] = by * x[i];
        }
    }

    private sealed class Search(float* x, float* overflow, long elements) : LoadedKernel
    {
        public override void Run()
        {
            for (long i = 0; i < elements; i++)
                if (!float.IsFinite(x[i]))
                {
                    *overflow = 1;
                    return;
                }
        }
    }

    private sealed class Adjustment(float* overflow, float* scale, float* inverse, float* goodSteps, float* skippedSteps,
        AdjustLossScale rule) : LoadedKernel
    {
        public override void Run()
        {
            if (*overflow != 0)
            {
                *scale *= (float)rule.Backoff;
                *goodSteps = 0;
                *skippedSteps += 1;
            }
            else if (++*goodSteps >= rule.Interval)
            {
                *goodSteps = 0;
                float grown = *scale * (float)rule.Growth;
                if (float.IsFinite(grown))
                    *scale = grown;
            }
            *inverse = 1 / *scale;
            *overflow = 0;
        }
    }
}
