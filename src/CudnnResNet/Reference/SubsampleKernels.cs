using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>One item is one line of y.</summary>
internal sealed class SubsampleKernel(WorkerPool workers) : ReferenceKernel<Subsample>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private sealed class Loaded<T>(Binding binding, SubsampleGeometry g)
        : LoadedReference(binding, binding.InputShape(0).N * g.P)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            for (int line = begin; line < end; line++)
            {
                (int n, int p) = Math.DivRem(line, g.P);
                for (int q = 0; q < g.Q; q++)
                {
                    Span<T> pixel = y.Slice((line * g.Q + q) * g.K, g.K);
                    pixel.Clear();
                    x.Slice(((n * g.H + p * g.Stride) * g.W + q * g.Stride) * g.C, g.C).CopyTo(pixel[g.Offset..]);
                }
            }
        }
    }
}

/// <summary>One item is one line of dx.</summary>
internal sealed class SubsampleBackwardKernel(WorkerPool workers) : ReferenceKernel<SubsampleBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private sealed class Loaded<T>(Binding binding, SubsampleGeometry g)
        : LoadedReference(binding, binding.OutputShape(0).N * g.H)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            Span<T> dx = Binding.Output<T>(0);
            for (int line = begin; line < end; line++)
            {
                (int n, int h) = Math.DivRem(line, g.H);
                Span<T> row = dx.Slice(line * g.W * g.C, g.W * g.C);
                row.Clear();
                if (h % g.Stride != 0)
                    continue;
                for (int q = 0; q < g.Q; q++)
                    dy.Slice(((n * g.P + h / g.Stride) * g.Q + q) * g.K + g.Offset, g.C)
                        .CopyTo(row[(q * g.Stride * g.C)..]);
            }
        }
    }
}
