using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Reference;

/// <summary>A function of the elements at one position; with one operand, both arguments are it.</summary>
internal abstract class PointwiseKernel<TOperation>(WorkerPool workers) : ReferenceKernel<TOperation>(workers)
    where TOperation : Operation
{
    public override ValueId? MayOverwrite(Problem problem, ValueId output) => problem.Nodes[0].Inputs[0];

    protected sealed override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, this);

    protected abstract double Invoke(double a, double b);

    private sealed class Loaded<T>(Binding binding, PointwiseKernel<TOperation> kernel)
        : LoadedReference(binding, (int)binding.OutputShape(0).Elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> a = Binding.Input<T>(0);
            ReadOnlySpan<T> b = Binding.Input<T>(Binding.InputCount - 1);
            Span<T> y = Binding.Output<T>(0);
            for (int i = begin; i < end; i++)
                y[i] = T.CreateTruncating(
                    kernel.Invoke(double.CreateTruncating(a[i]), double.CreateTruncating(b[i])));
        }
    }
}

internal sealed class ReluKernel(WorkerPool workers) : PointwiseKernel<Relu>(workers)
{
    protected override double Invoke(double a, double b) => Math.Max(a, 0);
}

internal sealed class ReluBackwardKernel(WorkerPool workers) : PointwiseKernel<ReluBackward>(workers)
{
    protected override double Invoke(double a, double b) => b > 0 ? a : 0;
}

internal sealed class AddKernel(WorkerPool workers) : PointwiseKernel<Add>(workers)
{
    protected override double Invoke(double a, double b) => a + b;
}

/// <summary>Between float32 and float64; the 16-bit types belong to the other backends.</summary>
internal sealed class CastKernel(WorkerPool workers) : ReferenceKernel<Cast>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => OperationOf(binding).To == DataType.Float64
        ? new Loaded<T, double>(binding)
        : new Loaded<T, float>(binding);

    private sealed class Loaded<TFrom, TTo>(Binding binding)
        : LoadedReference(binding, (int)binding.OutputShape(0).Elements)
        where TFrom : unmanaged, IFloatingPointIeee754<TFrom>
        where TTo : unmanaged, IFloatingPointIeee754<TTo>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<TFrom> x = Binding.Input<TFrom>(0);
            Span<TTo> y = Binding.Output<TTo>(0);
            for (int i = begin; i < end; i++)
                y[i] = TTo.CreateTruncating(x[i]);
        }
    }
}
