using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

internal sealed class ConvolutionBackwardDataKernel(WorkerPool workers)
    : ReferenceKernel<ConvolutionBackwardData>(workers)
{
    /// <summary>One row of dx in double for each worker.</summary>
    public override long WorkspaceBytes(Problem problem) =>
        8L * Workers * RowElements(((ConvolutionBackwardData)problem.Operations[0]).Geometry);

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding).Geometry);

    private static int RowElements(ConvolutionGeometry g) => g.W * g.C;

    /// <summary>One item is one row of dx: it gathers from all rows of dy whose windows cover it.</summary>
    private sealed class Loaded<T>(Binding binding, ConvolutionGeometry g)
        : LoadedReference(binding, binding.InputShape(0).N * g.H)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            ReadOnlySpan<T> w = Binding.Input<T>(1);
            Span<T> dx = Binding.Output<T>(0);
            Span<double> sums = Binding.Workspace(worker, RowElements(g));
            for (int row = begin; row < end; row++)
            {
                (int n, int h) = Math.DivRem(row, g.H);
                sums.Clear();
                for (int r = 0; r < g.R; r++)
                {
                    (int p, int offGrid) = Math.DivRem(h + g.Padding - r, g.Stride);
                    if (offGrid == 0 && p >= 0 && p < g.P)
                        AddRow(dy.Slice((n * g.P + p) * g.Q * g.K, g.Q * g.K), w, r, sums);
                }
                Wide.Store(sums, dx.Slice(row * sums.Length, sums.Length));
            }
        }

        private void AddRow(ReadOnlySpan<T> dyRow, ReadOnlySpan<T> w, int r, Span<double> sums)
        {
            for (int k = 0; k < g.K; k++)
                for (int q = 0; q < g.Q; q++)
                {
                    ConvolutionWindow window = new(g, q);
                    Wide.Accumulate(sums.Slice(window.ImageOffset, window.Elements),
                        double.CreateTruncating(dyRow[q * g.K + k]),
                        w.Slice((k * g.R + r) * g.S * g.C + window.FilterOffset, window.Elements));
                }
        }
    }
}
