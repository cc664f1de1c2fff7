using System.Runtime.CompilerServices;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Simd;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels.Pooling;

internal sealed unsafe class GlobalAveragePoolKernel(ThreadTeam team) : Kernel
{
    public override string Name => "avg_pool";

    public override KernelSupport Check(Problem problem) =>
        problem.Operations is not [GlobalAveragePool] ? KernelSupport.No("not an avg_pool")
        : !ChainReader.HasComputableType(problem) ? KernelSupport.No("takes f32 and bf16")
        : KernelSupport.Yes;

    public override LoadedKernel Load(Problem problem, KernelArguments arguments)
    {
        OperandAddresses at = new(arguments);
        Value x = problem.Input(0, 0);
        byte* y = at[problem.Output(0, 0).Id];
        return x.Type == DataType.BFloat16
            ? new Loaded<BFloat16>(team, x.Shape, at[x.Id], y)
            : new Loaded<Float32>(team, x.Shape, at[x.Id], y);
    }

    /// <summary>Slices cut images and, so that a batch of one uses every thread, blocks of channels.</summary>
    private sealed class Loaded<TElement>(ThreadTeam team, TensorShape shape, byte* x, byte* y)
        : SlicedKernel(team) where TElement : IElement
    {
        private const int BlockChannels = 64;

        private readonly nint _blocks = (shape.C + BlockChannels - 1) / BlockChannels;

        protected override long TrafficBytes(int phase) => shape.Elements * TElement.Bytes;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunSlice(int phase, int slice)
        {
            nint channels = shape.C;
            nint positions = (nint)shape.H * shape.W;
            (nint begin, nint end) = Share(shape.N * _blocks, slice);
            for (nint item = begin; item < end; item++)
            {
                nint image = item / _blocks;
                nint first = item % _blocks * BlockChannels;
                LaneLoop.Run(new Body(x, image * positions * channels, channels, positions, y, image * channels),
                    first, Math.Min(first + BlockChannels, channels));
            }
        }

        private readonly struct Body(byte* x, nint origin, nint channels, nint positions, byte* y, nint result) : ILaneBody
        {
            private readonly byte* _x = x;
            private readonly nint _origin = origin;
            private readonly nint _channels = channels;
            private readonly nint _positions = positions;
            private readonly byte* _y = y;
            private readonly nint _result = result;

            /// <summary>Four sums, because one would wait for its own additions and round more.</summary>
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            public void Invoke<T>(nint channel) where T : struct, ILanes<T>
            {
                T sum0 = T.Zero, sum1 = T.Zero, sum2 = T.Zero, sum3 = T.Zero;
                nint index = _origin + channel;
                nint position = 0;
                for (; position <= _positions - 4; position += 4, index += 4 * _channels)
                {
                    sum0 += TElement.Load<T>(_x, index);
                    sum1 += TElement.Load<T>(_x, index + _channels);
                    sum2 += TElement.Load<T>(_x, index + 2 * _channels);
                    sum3 += TElement.Load<T>(_x, index + 3 * _channels);
                }
                for (; position < _positions; position++, index += _channels)
                    sum0 += TElement.Load<T>(_x, index);
                T mean = (sum0 + sum1 + (sum2 + sum3)) / T.Broadcast(_positions);
                TElement.Store(_y, _result + channel, mean);
            }
        }
    }
}
