using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>Two passes: the mean first, then the centred second moment.</summary>
internal sealed class BatchNormTrainingKernel(WorkerPool workers) : ReferenceKernel<BatchNormTraining>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, BatchNormTraining operation)
        : LoadedReference(binding, binding.InputShape(0).C)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            int channels = Binding.InputShape(0).C;
            int count = x.Length / channels;
            for (int c = begin; c < end; c++)
            {
                double mean = 0;
                for (int i = c; i < x.Length; i += channels)
                    mean += double.CreateTruncating(x[i]);
                mean /= count;
                double moment = 0;
                for (int i = c; i < x.Length; i += channels)
                {
                    double centred = double.CreateTruncating(x[i]) - mean;
                    moment += centred * centred;
                }
                double inverse = 1 / Math.Sqrt(moment / count + operation.Epsilon);
                double gamma = double.CreateTruncating(Binding.Input<T>(1)[c]);
                double beta = double.CreateTruncating(Binding.Input<T>(2)[c]);
                for (int i = c; i < x.Length; i += channels)
                    y[i] = T.CreateTruncating((double.CreateTruncating(x[i]) - mean) * inverse * gamma + beta);
                Binding.Output<T>(1)[c] = T.CreateTruncating(mean);
                Binding.Output<T>(2)[c] = T.CreateTruncating(inverse);
                Move(ref Binding.Input<T>(3)[c], mean);
                Move(ref Binding.Input<T>(4)[c], moment / (count - 1));
            }
        }

        private void Move(ref T running, double batch) => running = T.CreateTruncating(
            (1 - operation.Momentum) * double.CreateTruncating(running) + operation.Momentum * batch);
    }
}

/// <summary>y = x * scale + shift, with scale and shift from each channel's vectors.</summary>
internal abstract class PerChannelKernel<TOperation>(WorkerPool workers) : ReferenceKernel<TOperation>(workers)
    where TOperation : Operation
{
    protected sealed override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, this);

    /// <param name="operation">The operation.</param>
    /// <param name="vectors">The second to the last operand at one channel.</param>
    protected abstract (double Scale, double Shift) Affine(TOperation operation, ReadOnlySpan<double> vectors);

    private sealed class Loaded<T>(Binding binding, PerChannelKernel<TOperation> kernel)
        : LoadedReference(binding, binding.InputShape(0).C)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            int channels = Binding.InputShape(0).C;
            Span<double> vectors = stackalloc double[Binding.InputCount - 1];
            for (int c = begin; c < end; c++)
            {
                for (int i = 0; i < vectors.Length; i++)
                    vectors[i] = double.CreateTruncating(Binding.Input<T>(i + 1)[c]);
                (double scale, double shift) = kernel.Affine(OperationOf(Binding), vectors);
                for (int i = c; i < x.Length; i += channels)
                    y[i] = T.CreateTruncating(double.CreateTruncating(x[i]) * scale + shift);
            }
        }
    }
}

internal sealed class BatchNormInferenceKernel(WorkerPool workers) : PerChannelKernel<BatchNormInference>(workers)
{
    protected override (double Scale, double Shift) Affine(BatchNormInference operation, ReadOnlySpan<double> vectors)
    {
        double scale = vectors[0] / Math.Sqrt(vectors[3] + operation.Epsilon);
        return (scale, vectors[1] - vectors[2] * scale);
    }
}

internal sealed class BatchNormApplyKernel(WorkerPool workers) : PerChannelKernel<BatchNormApply>(workers)
{
    protected override (double Scale, double Shift) Affine(BatchNormApply operation, ReadOnlySpan<double> vectors)
    {
        double scale = vectors[0] * vectors[3];
        return (scale, vectors[1] - vectors[2] * scale);
    }
}

internal sealed class ScaleBiasKernel(WorkerPool workers) : PerChannelKernel<ScaleBias>(workers)
{
    protected override (double Scale, double Shift) Affine(ScaleBias operation, ReadOnlySpan<double> vectors) =>
        (vectors[0], vectors[1]);
}

/// <summary>dx = gamma * inverse * (dy - mean(dy) - xhat * mean(dy * xhat)) (Ioffe and Szegedy, arXiv 1502.03167).</summary>
internal sealed class BatchNormBackwardKernel(WorkerPool workers) : ReferenceKernel<BatchNormBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, binding.InputShape(0).C)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            ReadOnlySpan<T> x = Binding.Input<T>(1);
            Span<T> dx = Binding.Output<T>(0);
            int channels = Binding.InputShape(0).C;
            double count = (double)x.Length / channels;
            for (int c = begin; c < end; c++)
            {
                double gamma = double.CreateTruncating(Binding.Input<T>(2)[c]);
                double mean = double.CreateTruncating(Binding.Input<T>(3)[c]);
                double inverse = double.CreateTruncating(Binding.Input<T>(4)[c]);
                (double sum, double product) = (0, 0);
                for (int i = c; i < x.Length; i += channels)
                {
                    double gradient = double.CreateTruncating(dy[i]);
                    sum += gradient;
                    product += gradient * (double.CreateTruncating(x[i]) - mean) * inverse;
                }
                for (int i = c; i < x.Length; i += channels)
                {
                    double normalised = (double.CreateTruncating(x[i]) - mean) * inverse;
                    dx[i] = T.CreateTruncating(gamma * inverse
                        * (double.CreateTruncating(dy[i]) - sum / count - normalised * product / count));
                }
                Binding.Output<T>(1)[c] = T.CreateTruncating(product);
                Binding.Output<T>(2)[c] = T.CreateTruncating(sum);
            }
        }
    }
}
