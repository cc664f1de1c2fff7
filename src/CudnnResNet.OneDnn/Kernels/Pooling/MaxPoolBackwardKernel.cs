using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pooling;

/// <summary>
/// Every input gathers from the windows that cover it, in a fixed order, so that threads never write the same element
/// and the sums do not depend on their number.
/// </summary>
internal sealed unsafe class MaxPoolBackwardKernel(ThreadTeam team) : Kernel
{
    public override string Name => "max_pool_bwd";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [MaxPoolBackward] ? KernelSupport.No("not a max_pool_bwd")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Value dy = problem.Input(0, 0);
        PoolGeometry geometry = ((MaxPoolBackward)problem.Nodes[0].Operation).Geometry;
        byte* argmax = at[problem.Input(0, 1).Id];
        byte* dx = at[problem.Output(0, 0).Id];
        return dy.Type == DataType.BFloat16
            ? new Loaded<BFloat16>(team, dy.Shape.N, geometry, at[dy.Id], argmax, dx)
            : new Loaded<Float32>(team, dy.Shape.N, geometry, at[dy.Id], argmax, dx);
    }

    private sealed class Loaded<TElement>(ThreadTeam team, int n, PoolGeometry g, byte* dy, byte* argmax, byte* dx)
        : SlicedKernel(team) where TElement : IElement
    {
        protected override long TrafficBytes(int phase) => (long)n * g.H * g.W * g.C * TElement.Bytes;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            (nint begin, nint end) = Share((nint)n * g.H, slice);
            for (nint line = begin; line < end; line++)
            {
                nint image = line / g.H;
                int h = (int)(line % g.H) + g.Padding;
                for (int column = 0; column < g.W; column++)
                {
                    int w = column + g.Padding;
                    Cover cover = new(FirstWindow(h), EndWindow(h, g.P), FirstWindow(w), EndWindow(w, g.Q));
                    LaneLoop.Run(new Body(cover, g, h, w, image * g.P, (line * g.W + column) * g.C, dy, argmax, dx), 0, g.C);
                }
            }
        }

        private int FirstWindow(int position) =>
            position < g.Window ? 0 : (position - g.Window) / g.Stride + 1;

        private int EndWindow(int position, int windows) => Math.Min(position / g.Stride + 1, windows);

        private readonly struct Body(Cover cover, PoolGeometry g, int h, int w, nint firstLine, nint result,
            byte* dy, byte* argmax, byte* dx) : ILaneBody
        {
            private readonly Cover _cover = cover;
            private readonly int _h = h;
            private readonly int _w = w;
            private readonly int _size = g.Window;
            private readonly int _stride = g.Stride;
            private readonly nint _windowsAcross = g.Q;
            private readonly nint _channels = g.C;
            private readonly nint _firstLine = firstLine;
            private readonly nint _result = result;
            private readonly byte* _dy = dy;
            private readonly byte* _argmax = argmax;
            private readonly byte* _dx = dx;

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void Invoke<T>(nint channel) where T : struct, ILanes<T>
            {
                T sum = T.Zero;
                for (int p = _cover.FirstP; p < _cover.EndP; p++)
                    for (int q = _cover.FirstQ; q < _cover.EndQ; q++)
                    {
                        nint index = ((_firstLine + p) * _windowsAcross + q) * _channels + channel;
                        T tap = T.Broadcast((_h - p * _stride) * _size + (_w - q * _stride));
                        sum += T.WhereEqual(T.Load(_argmax + index), tap, TElement.Load<T>(_dy, index));
                    }
                TElement.Store(_dx, _result + channel, sum);
            }
        }
    }

    /// <summary>The windows that cover a position.</summary>
    private readonly record struct Cover(int FirstP, int EndP, int FirstQ, int EndQ);
}
