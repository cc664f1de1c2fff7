using System.Numerics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

internal sealed class NormReluBackwardKernel(WorkerPool workers) : ReferenceKernel<NormReluBackward>(workers)
{
    public override ValueId? MayOverwrite(Problem problem, ValueId output) => problem.Nodes[0].Inputs[0];

    protected override LoadedKernel Bind<T>(Binding binding) => new Loaded<T>(binding);

    private sealed class Loaded<T>(Binding binding) : LoadedReference(binding, (int)binding.InputShape(0).Elements)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public override void Do(int begin, int end, int worker)
        {
            ReadOnlySpan<T> dy = Binding.Input<T>(0), x = Binding.Input<T>(1);
            ReadOnlySpan<T> gamma = Binding.Input<T>(2), beta = Binding.Input<T>(3), mean = Binding.Input<T>(4), deviation = Binding.Input<T>(5);
            Span<T> dx = Binding.Output<T>(0);
            for (int i = begin; i < end; i++)
            {
                int c = i % gamma.Length;
                double centred = double.CreateTruncating(x[i]) - double.CreateTruncating(mean[c]);
                double scale = double.CreateTruncating(gamma[c]) * double.CreateTruncating(deviation[c]);
                dx[i] = centred * scale + double.CreateTruncating(beta[c]) > 0 ? dy[i] : T.Zero;
            }
        }
    }
}
