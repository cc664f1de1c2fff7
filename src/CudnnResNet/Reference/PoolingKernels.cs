using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>One item is one output position; of equal values, the first in the window wins, as in PyTorch.</summary>
internal sealed class MaxPoolKernel(WorkerPool workers) : ReferenceKernel<MaxPool>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private sealed class Loaded<T>(Binding binding, PoolGeometry g)
        : LoadedReference(binding, binding.InputShape(0).N * g.P * g.Q)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            Span<byte> argmax = Binding.OutputCount == 2 ? Binding.Output<byte>(1) : [];
            for (int position = begin; position < end; position++)
                for (int c = 0; c < g.C; c++)
                {
                    (int at, int index) = Largest(x, position, c);
                    y[position * g.C + c] = x[index];
                    if (!argmax.IsEmpty)
                        argmax[position * g.C + c] = (byte)at;
                }
        }

        private (int At, int Index) Largest(ReadOnlySpan<T> x, int position, int c)
        {
            (int row, int q) = Math.DivRem(position, g.Q);
            (int n, int p) = Math.DivRem(row, g.P);
            (int best, int bestIndex) = (-1, -1);
            for (int r = 0; r < g.Window; r++)
                for (int s = 0; s < g.Window; s++)
                {
                    int h = p * g.Stride - g.Padding + r;
                    int w = q * g.Stride - g.Padding + s;
                    if (h < 0 || h >= g.H || w < 0 || w >= g.W)
                        continue;
                    int index = ((n * g.H + h) * g.W + w) * g.C + c;
                    if (best < 0 || x[index] > x[bestIndex] || T.IsNaN(x[index]))
                        (best, bestIndex) = (r * g.Window + s, index);
                }
            return (best, bestIndex);
        }
    }
}

/// <summary>
/// One item is one row of dx: each element collects from the windows whose maximum it was. A position outside the image
/// is nobody's.
/// </summary>
internal sealed class MaxPoolBackwardKernel(WorkerPool workers) : ReferenceKernel<MaxPoolBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private sealed class Loaded<T>(Binding binding, PoolGeometry g)
        : LoadedReference(binding, binding.InputShape(0).N * g.H)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            int imageElements = g.P * g.Q * g.C;
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            ReadOnlySpan<byte> argmax = Binding.Input<byte>(1);
            Span<T> dx = Binding.Output<T>(0);
            for (int row = begin; row < end; row++)
            {
                (int n, int h) = Math.DivRem(row, g.H);
                for (int w = 0; w < g.W; w++)
                    for (int c = 0; c < g.C; c++)
                        dx[(row * g.W + w) * g.C + c] = T.CreateTruncating(Collected(
                            dy.Slice(n * imageElements, imageElements), argmax.Slice(n * imageElements, imageElements), h, w, c));
            }
        }

        private double Collected(ReadOnlySpan<T> dy, ReadOnlySpan<byte> argmax, int h, int w, int c)
        {
            double sum = 0;
            for (int r = 0; r < g.Window; r++)
            {
                (int p, int offGrid) = Math.DivRem(h + g.Padding - r, g.Stride);
                if (offGrid != 0 || p < 0 || p >= g.P)
                    continue;
                for (int s = 0; s < g.Window; s++)
                {
                    (int q, offGrid) = Math.DivRem(w + g.Padding - s, g.Stride);
                    int from = (p * g.Q + q) * g.C + c;
                    if (offGrid == 0 && q >= 0 && q < g.Q && argmax[from] == r * g.Window + s)
                        sum += double.CreateTruncating(dy[from]);
                }
            }
            return sum;
        }
    }
}

/// <summary>One item is one image.</summary>
internal sealed class GlobalAveragePoolKernel(WorkerPool workers) : ReferenceKernel<GlobalAveragePool>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, binding.InputShape(0).N)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            var shape = Binding.InputShape(0);
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            Span<T> y = Binding.Output<T>(0);
            int pixels = shape.H * shape.W;
            for (int n = begin; n < end; n++)
                for (int c = 0; c < shape.C; c++)
                {
                    double sum = 0;
                    for (int i = 0; i < pixels; i++)
                        sum += double.CreateTruncating(x[(n * pixels + i) * shape.C + c]);
                    y[n * shape.C + c] = T.CreateTruncating(sum / pixels);
                }
        }
    }
}

/// <summary>One item is one image.</summary>
internal sealed class GlobalAveragePoolBackwardKernel(WorkerPool workers)
    : ReferenceKernel<GlobalAveragePoolBackward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, binding.OutputShape(0).N)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            var shape = Binding.OutputShape(0);
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            Span<T> dx = Binding.Output<T>(0);
            int pixels = shape.H * shape.W;
            for (int n = begin; n < end; n++)
                for (int i = 0; i < pixels; i++)
                    for (int c = 0; c < shape.C; c++)
                        dx[(n * pixels + i) * shape.C + c] =
                            T.CreateTruncating(double.CreateTruncating(dy[n * shape.C + c]) / pixels);
        }
    }
}
