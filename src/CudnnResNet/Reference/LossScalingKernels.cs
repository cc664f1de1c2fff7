using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

internal sealed class ScaleKernel(WorkerPool workers) : ReferenceKernel<Scale>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, (int)binding.InputShape(0).Elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            double factor = Binding.Scalar<T>(1);
            for (int i = begin; i < end; i++)
                y[i] = T.CreateTruncating(factor * double.CreateTruncating(x[i]));
        }
    }
}

/// <summary>One worker, so that the flag has one writer.</summary>
internal sealed class FindOverflowKernel(WorkerPool workers) : ReferenceKernel<FindOverflow>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, items: 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            foreach (T x in Binding.Input<T>(0))
                if (!T.IsFinite(x))
                {
                    Binding.Input<T>(1)[0] = T.One;
                    return;
                }
        }
    }
}

internal sealed class AdjustLossScaleKernel(WorkerPool workers) : ReferenceKernel<AdjustLossScale>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, AdjustLossScale operation) : LoadedReference(binding, items: 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ref T overflow = ref Binding.Input<T>(0)[0], scale = ref Binding.Input<T>(1)[0];
            ref T goodSteps = ref Binding.Input<T>(3)[0], skippedSteps = ref Binding.Input<T>(4)[0];
            if (overflow != T.Zero)
            {
                scale *= T.CreateTruncating(operation.Backoff);
                goodSteps = T.Zero;
                skippedSteps += T.One;
            }
            else if (++goodSteps >= T.CreateTruncating(operation.Interval))
            {
                goodSteps = T.Zero;
                T grown = scale * T.CreateTruncating(operation.Growth);
                if (T.IsFinite(grown))
                    scale = grown;
            }
            Binding.Input<T>(2)[0] = T.One / scale;
            overflow = T.Zero;
        }
    }
}
