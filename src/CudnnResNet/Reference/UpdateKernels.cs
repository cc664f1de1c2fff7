using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>w and velocity change in place.</summary>
internal sealed class SgdUpdateKernel(WorkerPool workers) : ReferenceKernel<SgdUpdate>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, SgdUpdate operation)
        : LoadedReference(binding, (int)binding.InputShape(0).Elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            Span<T> w = Binding.Input<T>(0);
            ReadOnlySpan<T> dw = Binding.Input<T>(1);
            Span<T> velocity = Binding.Input<T>(2);
            double rate = Binding.Scalar<T>(3);
            double scale = operation.IsScaled ? Binding.Scalar<T>(4) : 1;
            double trust = operation.IsTrusted ? Binding.Scalar<T>(operation.IsScaled ? 5 : 4) : 1;
            if (operation.IsGuarded && Binding.Scalar<T>(Binding.InputCount - 1) != 0)
                return;
            for (int i = begin; i < end; i++)
            {
                double weight = double.CreateTruncating(w[i]);
                double gradient = trust * (scale * double.CreateTruncating(dw[i]) + operation.WeightDecay * weight);
                double moved = operation.Momentum * double.CreateTruncating(velocity[i]) + gradient;
                velocity[i] = T.CreateTruncating(moved);
                w[i] = T.CreateTruncating(
                    weight - rate * (operation.Nesterov ? gradient + operation.Momentum * moved : moved));
            }
        }
    }
}

/// <summary>y changes in place.</summary>
internal sealed class BlendKernel(WorkerPool workers) : ReferenceKernel<Blend>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, Blend operation)
        : LoadedReference(binding, (int)binding.InputShape(0).Elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            Span<T> y = Binding.Input<T>(0);
            ReadOnlySpan<T> x = Binding.Input<T>(1);
            if (operation.IsGuarded && Binding.Scalar<T>(2) != 0)
                return;
            for (int i = begin; i < end; i++)
            {
                double kept = operation.Keep == 0 ? 0 : operation.Keep * double.CreateTruncating(y[i]);
                double taken = operation.Take == 0 ? 0 : operation.Take * double.CreateTruncating(x[i]);
                y[i] = T.CreateTruncating(kept + taken);
            }
        }
    }
}

/// <summary>One worker adds up in order.</summary>
internal sealed class SquaredSumKernel(WorkerPool workers) : ReferenceKernel<SquaredSum>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Continues);

    private sealed class Loaded<T>(Binding binding, bool continues) : LoadedReference(binding, items: 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            double sum = continues ? Binding.Scalar<T>(1) : 0;
            Binding.Output<T>(0)[0] = T.CreateTruncating(sum + Wide.Dot(x, x));
        }
    }
}

internal sealed class ClipScaleKernel(WorkerPool workers) : ReferenceKernel<ClipScale>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, ClipScale operation) : LoadedReference(binding, items: 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            double inverse = operation.IsScaled ? Binding.Scalar<T>(1) : 1;
            double norm = inverse * Math.Sqrt(Binding.Scalar<T>(0));
            Binding.Output<T>(0)[0] = T.CreateTruncating(inverse * Math.Min(1, operation.MaxNorm / (norm + ClipScale.Epsilon)));
        }
    }
}

internal sealed class TrustRatioKernel(WorkerPool workers) : ReferenceKernel<TrustRatio>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, TrustRatio operation) : LoadedReference(binding, items: 1)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            double weight = Math.Sqrt(Binding.Scalar<T>(0));
            double gradient = Math.Sqrt(Binding.Scalar<T>(1)) * (operation.IsScaled ? Binding.Scalar<T>(2) : 1);
            Binding.Output<T>(0)[0] = T.CreateTruncating(weight == 0 || gradient == 0
                ? 1
                : operation.Coefficient * weight / (gradient + operation.WeightDecay * weight));
        }
    }
}
