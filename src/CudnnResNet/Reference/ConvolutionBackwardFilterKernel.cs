using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

internal sealed class ConvolutionBackwardFilterKernel(WorkerPool workers)
    : ReferenceKernel<ConvolutionBackwardFilter>(workers)
{
    /// <summary>One filter in double for each worker.</summary>
    public override long WorkspaceBytes(Problem problem) =>
        8L * Workers * FilterElements(((ConvolutionBackwardFilter)problem.Operations[0]).Geometry);

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private static int FilterElements(ConvolutionGeometry g) => g.R * g.S * g.C;

    /// <summary>One item is one output channel's filter.</summary>
    private sealed class Loaded<T>(Binding binding, ConvolutionGeometry g) : LoadedReference(binding, g.K)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        private readonly int _images = binding.InputShape(0).N;

        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            ReadOnlySpan<T> dy = Binding.Input<T>(1);
            Span<T> dw = Binding.Output<T>(0);
            Span<double> sums = Binding.Workspace(worker, FilterElements(g));
            for (int k = begin; k < end; k++)
            {
                sums.Clear();
                for (int n = 0; n < _images; n++)
                    for (int p = 0; p < g.P; p++)
                        AddRow(x, dy, n, p, k, sums);
                Wide.Store(sums, dw.Slice(k * sums.Length, sums.Length));
            }
        }

        private void AddRow(ReadOnlySpan<T> x, ReadOnlySpan<T> dy, int n, int p, int k, Span<double> sums)
        {
            for (int r = 0; r < g.R; r++)
            {
                int h = p * g.Stride - g.Padding + r;
                if (h < 0 || h >= g.H)
                    continue;
                for (int q = 0; q < g.Q; q++)
                {
                    ConvolutionWindow window = new(g, q);
                    Wide.Accumulate(sums.Slice(r * g.S * g.C + window.FilterOffset, window.Elements),
                        double.CreateTruncating(dy[((n * g.P + p) * g.Q + q) * g.K + k]),
                        x.Slice((n * g.H + h) * g.W * g.C + window.ImageOffset, window.Elements));
                }
            }
        }
    }
}
