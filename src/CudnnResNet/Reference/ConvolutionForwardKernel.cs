using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

internal sealed class ConvolutionForwardKernel(WorkerPool workers) : ReferenceKernel<ConvolutionForward>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    /// <summary>One item is one output row.</summary>
    private sealed class Loaded<T>(Binding binding, ConvolutionGeometry g)
        : LoadedReference(binding, binding.InputShape(0).N * g.P)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            ReadOnlySpan<T> w = Binding.Input<T>(1);
            ReadOnlySpan<T> b = Binding.InputCount == 3 ? Binding.Input<T>(2) : [];
            Span<T> y = Binding.Output<T>(0);
            for (int row = begin; row < end; row++)
                for (int k = 0; k < g.K; k++)
                    for (int q = 0; q < g.Q; q++)
                    {
                        double sum = b.IsEmpty ? 0 : double.CreateTruncating(b[k]);
                        y[(row * g.Q + q) * g.K + k] = T.CreateTruncating(sum + At(x, w, row, k, q));
                    }
        }

        private double At(ReadOnlySpan<T> x, ReadOnlySpan<T> w, int row, int k, int q)
        {
            (int n, int p) = Math.DivRem(row, g.P);
            ConvolutionWindow window = new(g, q);
            double sum = 0;
            for (int r = 0; r < g.R; r++)
            {
                int h = p * g.Stride - g.Padding + r;
                if (h < 0 || h >= g.H)
                    continue;
                sum += Wide.Dot(
                    x.Slice((n * g.H + h) * g.W * g.C + window.ImageOffset, window.Elements),
                    w.Slice((k * g.R + r) * g.S * g.C + window.FilterOffset, window.Elements));
            }
            return sum;
        }
    }
}
