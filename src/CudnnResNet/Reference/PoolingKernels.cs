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

/// <summary>One item is one image, because windows overlap.</summary>
internal sealed class MaxPoolBackwardKernel(WorkerPool workers) : ReferenceKernel<MaxPoolBackward>(workers)
{
    public override long WorkspaceBytes(Problem problem) =>
        8L * Workers * ImageElements(((MaxPoolBackward)problem.Operations[0]).Geometry);

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private static int ImageElements(PoolGeometry g) => g.H * g.W * g.C;

    private sealed class Loaded<T>(Binding binding, PoolGeometry g) : LoadedReference(binding, binding.InputShape(0).N)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            ReadOnlySpan<byte> argmax = Binding.Input<byte>(1);
            Span<T> dx = Binding.Output<T>(0);
            Span<double> sums = Binding.Workspace(worker, ImageElements(g));
            for (int n = begin; n < end; n++)
            {
                sums.Clear();
                for (int p = 0; p < g.P; p++)
                    for (int q = 0; q < g.Q; q++)
                        for (int c = 0; c < g.C; c++)
                        {
                            int from = ((n * g.P + p) * g.Q + q) * g.C + c;
                            (int r, int s) = Math.DivRem(argmax[from], g.Window);
                            int h = p * g.Stride - g.Padding + r;
                            int w = q * g.Stride - g.Padding + s;
                            sums[(h * g.W + w) * g.C + c] += double.CreateTruncating(dy[from]);
                        }
                Wide.Store(sums, dx.Slice(n * sums.Length, sums.Length));
            }
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
