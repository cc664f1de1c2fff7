using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Loss;

/// <summary>
/// The loss, or its gradient by the logits: with e = exp(z - max), the loss of an image is
/// log(sum e) - (1 - s) * (z[label] - max) - s / K * sum(z - max), the gradient (e / sum e - target) / N.
/// </summary>
internal sealed unsafe class SoftmaxCrossEntropyKernel(ThreadTeam team, bool gradient) : Kernel
{
    public override string Name => gradient ? "softmax_ce_bwd" : "softmax_ce";

    public override KernelSupport Check(Problem problem) =>
        problem.Nodes.Length != 1 || Smoothing(problem) is null ? KernelSupport.No($"not a {Name}")
        : problem.Input(0, 0).Type != DataType.Float32 ? KernelSupport.No("logits are f32")
        : KernelSupport.Yes;

    /// <summary>The loss of each image, before their mean.</summary>
    public override long WorkspaceBytes(Problem problem) =>
        gradient ? 0 : problem.Input(0, 0).Shape.D0 * sizeof(double);

    public override ValueId? MayOverwrite(Problem problem, ValueId output) =>
        gradient ? problem.Nodes[0].Inputs[0] : null;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        return new Loaded(team, problem.Input(0, 0).Shape, at.Floats(node.Inputs[0]), (int*)at[node.Inputs[1]],
            at.Floats(node.Outputs[0]), Smoothing(problem)!.Value, gradient ? null : (double*)at.Workspace());
    }

    private double? Smoothing(Problem problem) => problem.Nodes[0].Operation switch
    {
        SoftmaxCrossEntropy loss when !gradient => loss.Smoothing,
        SoftmaxCrossEntropyBackward loss when gradient => loss.Smoothing,
        _ => null,
    };

    private sealed class Loaded(ThreadTeam team, TensorShape shape, float* logits, int* labels, float* result,
        double smoothing, double* losses) : SlicedKernel(team)
    {
        private readonly int _images = shape.D0;
        private readonly int _classes = shape.D1;

        protected override int Phases => losses == null ? 1 : 2;

        protected override long TrafficBytes(int phase) => phase == 0 ? shape.Elements * sizeof(float) : 0;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            if (phase == 1)
            {
                if (slice == 0)
                    *result = (float)Mean();
                return;
            }
            (nint begin, nint end) = Share(_images, slice);
            for (nint image = begin; image < end; image++)
            {
                float* z = logits + image * _classes;
                float largest = Largest(z);
                (double exponentials, double distances) = Sums(z, largest);
                int label = labels[image];
                if (losses == null)
                    Differentiate(z, result + image * _classes, largest, exponentials, label);
                else
                    losses[image] = Math.Log(exponentials)
                        - (1 - smoothing) * ((double)z[label] - largest) - smoothing / _classes * distances;
            }
        }

        private double Mean()
        {
            double sum = 0;
            for (int image = 0; image < _images; image++)
                sum += losses[image];
            return sum / _images;
        }

        private float Largest(float* z)
        {
            float largest = z[0];
            for (int k = 1; k < _classes; k++)
                largest = Math.Max(largest, z[k]);
            return largest;
        }

        private (double Exponentials, double Distances) Sums(float* z, float largest)
        {
            double exponentials = 0, distances = 0;
            for (int k = 0; k < _classes; k++)
            {
                double distance = (double)z[k] - largest;
                exponentials += Math.Exp(distance);
                distances += distance;
            }
            return (exponentials, distances);
        }

        private void Differentiate(float* z, float* dz, float largest, double exponentials, int label)
        {
            double shared = smoothing / _classes;
            for (int k = 0; k < _classes; k++)
            {
                double target = k == label ? 1 - smoothing + shared : shared;
                dz[k] = (float)((Math.Exp((double)z[k] - largest) / exponentials - target) / _images);
            }
        }
    }
}
