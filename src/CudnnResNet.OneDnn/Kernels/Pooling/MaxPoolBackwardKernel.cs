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

        private readonly Windows[] _columns =
            [.. Enumerable.Range(g.Padding, g.W).Select(w => Covering(w, g, g.Q))];

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            (nint begin, nint end) = Share((nint)n * g.H, slice);
            for (nint line = begin; line < end; line++)
            {
                int h = (int)(line % g.H) + g.Padding;
                LaneLoop.Run(new Body(_columns, Covering(h, g, g.P), g, h, line / g.H * g.P, line * g.W * g.C, dy, argmax, dx),
                    0, g.C);
            }
        }

        private static Windows Covering(int position, PoolGeometry g, int windows) => new(
            position < g.Window ? 0 : (position - g.Window) / g.Stride + 1, Math.Min(position / g.Stride + 1, windows));

        /// <summary>A line of inputs, some channels of it.</summary>
        private readonly struct Body(Windows[] columns, Windows lines, PoolGeometry g, int h, nint firstLine, nint result,
            byte* dy, byte* argmax, byte* dx) : ILaneBody
        {
            private readonly Windows[] _columns = columns;
            private readonly Windows _lines = lines;
            private readonly int _h = h;
            private readonly int _padding = g.Padding;
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
                for (int column = 0; column < _columns.Length; column++)
                {
                    Windows across = _columns[column];
                    T sum = T.Zero;
                    for (int p = _lines.First; p < _lines.End; p++)
                    {
                        nint index = ((_firstLine + p) * _windowsAcross + across.First) * _channels + channel;
                        int tap = (_h - p * _stride) * _size + column + _padding - across.First * _stride;
                        for (int q = across.First; q < across.End; q++, index += _channels, tap -= _stride)
                            sum += T.WhereEqual(T.Load(_argmax + index), T.Broadcast(tap), TElement.Load<T>(_dy, index));
                    }
                    TElement.Store(_dx, _result + column * _channels + channel, sum);
                }
            }
        }
    }

    /// <summary>The windows that cover a position in one direction.</summary>
    private readonly record struct Windows(int First, int End);
}
