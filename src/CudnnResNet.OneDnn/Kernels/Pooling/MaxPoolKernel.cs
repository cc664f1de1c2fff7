using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pooling;

/// <summary>The first maximum of each window; a NaN wins, as in PyTorch.</summary>
internal sealed unsafe class MaxPoolKernel(ThreadTeam team) : Kernel
{
    public override string Name => "max_pool";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [MaxPool] ? KernelSupport.No("not a max_pool")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Node node = problem.Nodes[0];
        Value x = problem.Input(0, 0);
        PoolGeometry geometry = ((MaxPool)node.Operation).Geometry;
        byte* argmax = node.Outputs.Length == 2 && problem.IsMaterialised(node.Outputs[1]) ? at[node.Outputs[1]] : null;
        byte* y = at[node.Outputs[0]];
        return (x.Type, argmax == null) switch
        {
            (DataType.BFloat16, true) => new Loaded<BFloat16, WithoutArgmax>(team, x.Shape.N, geometry, at[x.Id], y, argmax),
            (DataType.BFloat16, _) => new Loaded<BFloat16, WithArgmax>(team, x.Shape.N, geometry, at[x.Id], y, argmax),
            (_, true) => new Loaded<Float32, WithoutArgmax>(team, x.Shape.N, geometry, at[x.Id], y, argmax),
            _ => new Loaded<Float32, WithArgmax>(team, x.Shape.N, geometry, at[x.Id], y, argmax),
        };
    }

    private interface IArgmax
    {
        static abstract bool IsWanted { get; }
    }

    private readonly struct WithArgmax : IArgmax
    {
        public static bool IsWanted => true;
    }

    private readonly struct WithoutArgmax : IArgmax
    {
        public static bool IsWanted => false;
    }

    private sealed class Loaded<TElement, TArgmax>(ThreadTeam team, int n, PoolGeometry g, byte* x, byte* y, byte* argmax)
        : SlicedKernel(team)
        where TElement : IElement
        where TArgmax : IArgmax
    {
        protected override long TrafficBytes(int phase) => (long)n * g.H * g.W * g.C * TElement.Bytes;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            (nint begin, nint end) = Share((nint)n * g.P, slice);
            for (nint line = begin; line < end; line++)
            {
                nint image = line / g.P;
                int top = (int)(line % g.P) * g.Stride - g.Padding;
                for (int q = 0; q < g.Q; q++)
                {
                    int left = q * g.Stride - g.Padding;
                    Window window = new(
                        Math.Max(0, -top), Math.Min(g.Window, g.H - top), Math.Max(0, -left), Math.Min(g.Window, g.W - left));
                    nint corner = ((image * g.H + top) * g.W + left) * g.C;
                    LaneLoop.Run(new Body(window, g.Window, corner, (nint)g.W * g.C, g.C,
                        (line * g.Q + q) * g.C, x, y, argmax), 0, g.C);
                }
            }
        }

        private readonly struct Body(Window window, int size, nint corner, nint lineStride, nint pixelStride,
            nint result, byte* x, byte* y, byte* argmax) : ILaneBody
        {
            private readonly Window _window = window;
            private readonly int _size = size;
            private readonly nint _corner = corner;
            private readonly nint _lineStride = lineStride;
            private readonly nint _pixelStride = pixelStride;
            private readonly nint _result = result;
            private readonly byte* _x = x;
            private readonly byte* _y = y;
            private readonly byte* _argmax = argmax;

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void Invoke<T>(nint channel) where T : struct, ILanes<T>
            {
                T best = Load<T>(_window.FirstLine, _window.FirstPixel, channel);
                T where = T.Broadcast(_window.FirstLine * _size + _window.FirstPixel);
                for (int r = _window.FirstLine; r < _window.EndLine; r++)
                    for (int s = _window.FirstPixel; s < _window.EndPixel; s++)
                    {
                        T candidate = Load<T>(r, s, channel);
                        if (TArgmax.IsWanted)
                            where = T.WhereAbove(candidate, best, T.Broadcast(r * _size + s), where);
                        best = T.WhereAbove(candidate, best, candidate, best);
                    }
                TElement.Store(_y, _result + channel, best);
                if (TArgmax.IsWanted)
                    T.Store(_argmax + _result + channel, where);
            }

            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            private T Load<T>(int r, int s, nint channel) where T : struct, ILanes<T> =>
                TElement.Load<T>(_x, _corner + r * _lineStride + s * _pixelStride + channel);
        }
    }

    /// <summary>The part of a window that lies on the image.</summary>
    private readonly record struct Window(int FirstLine, int EndLine, int FirstPixel, int EndPixel);
}
