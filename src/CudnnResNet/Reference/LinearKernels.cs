using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>One item is one output feature.</summary>
internal sealed class LinearKernel(WorkerPool workers) : ReferenceKernel<Linear>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, Linear linear) : LoadedReference(binding, linear.OutFeatures)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            int c = linear.InFeatures;
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            ReadOnlySpan<T> w = Binding.Input<T>(1);
            ReadOnlySpan<T> b = Binding.Input<T>(2);
            Span<T> y = Binding.Output<T>(0);
            for (int k = begin; k < end; k++)
                for (int n = 0; n < x.Length / c; n++)
                    y[n * linear.OutFeatures + k] = T.CreateTruncating(
                        double.CreateTruncating(b[k]) + Wide.Dot(x.Slice(n * c, c), w.Slice(k * c, c)));
        }
    }
}

/// <summary>One item is one image.</summary>
internal sealed class LinearBackwardDataKernel(WorkerPool workers) : ReferenceKernel<LinearBackwardData>(workers)
{
    public override long WorkspaceBytes(Problem problem) =>
        8L * Workers * ((LinearBackwardData)problem.Operations[0]).InFeatures;

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, LinearBackwardData linear)
        : LoadedReference(binding, binding.InputShape(0).D0)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            int c = linear.InFeatures;
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            ReadOnlySpan<T> w = Binding.Input<T>(1);
            Span<T> dx = Binding.Output<T>(0);
            Span<double> sums = Binding.Workspace(worker, c);
            for (int n = begin; n < end; n++)
            {
                sums.Clear();
                for (int k = 0; k < linear.OutFeatures; k++)
                    Wide.Accumulate(
                        sums, double.CreateTruncating(dy[n * linear.OutFeatures + k]), w.Slice(k * c, c));
                Wide.Store(sums, dx.Slice(n * c, c));
            }
        }
    }
}

/// <summary>One item is one output feature.</summary>
internal sealed class LinearBackwardFilterKernel(WorkerPool workers) : ReferenceKernel<LinearBackwardFilter>(workers)
{
    public override long WorkspaceBytes(Problem problem) =>
        8L * Workers * ((LinearBackwardFilter)problem.Operations[0]).InFeatures;

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding, OperationOf(binding));

    private sealed class Loaded<T>(Binding binding, LinearBackwardFilter linear)
        : LoadedReference(binding, linear.OutFeatures)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            int c = linear.InFeatures;
            ReadOnlySpan<T> x = Binding.Input<T>(0);
            ReadOnlySpan<T> dy = Binding.Input<T>(1);
            Span<T> dw = Binding.Output<T>(0);
            Span<double> sums = Binding.Workspace(worker, c);
            for (int k = begin; k < end; k++)
            {
                sums.Clear();
                for (int n = 0; n < x.Length / c; n++)
                    Wide.Accumulate(
                        sums, double.CreateTruncating(dy[n * linear.OutFeatures + k]), x.Slice(n * c, c));
                Wide.Store(sums, dw.Slice(k * c, c));
            }
        }
    }
}

/// <summary>One item is one channel.</summary>
internal sealed class ChannelSumKernel(WorkerPool workers) : ReferenceKernel<ChannelSum>(workers)
{
    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, binding.InputShape(0).C)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            int channels = Binding.InputShape(0).C;
            ReadOnlySpan<T> dy = Binding.Input<T>(0);
            Span<T> db = Binding.Output<T>(0);
            for (int c = begin; c < end; c++)
            {
                double sum = 0;
                for (int i = c; i < dy.Length; i += channels)
                    sum += double.CreateTruncating(dy[i]);
                db[c] = T.CreateTruncating(sum);
            }
        }
    }
}
