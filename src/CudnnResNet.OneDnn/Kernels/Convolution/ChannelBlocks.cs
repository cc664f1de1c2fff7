using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Convolution;

/// <summary>oneDNN's nChw16c: N, C / 16, H, W, 16. Here in float32, with a channel count that 16 divides.</summary>
/// <param name="Images">N.</param>
/// <param name="Positions">H * W.</param>
/// <param name="Channels">C.</param>
internal readonly record struct ChannelBlocks(nint Images, nint Positions, nint Channels)
{
    internal const int Width = 16;

    internal long Bytes => Images * Positions * Channels * sizeof(float);

    internal nint Rows => Images * Positions;

    /// <summary>The element where a row's first block begins; each following one is <see cref="Stride"/> away.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal nint Origin(nint row) => row / Positions * Positions * Channels + row % Positions * Width;

    internal nint Stride => Positions * Width;
}

/// <summary>NHWC to blocks.</summary>
internal sealed unsafe class LoadedBlocking(ThreadTeam team, ChannelBlocks blocks, float* nhwc, float* blocked)
    : SlicedKernel(team)
{
    protected override long TrafficBytes(int phase) => 2 * blocks.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void RunSlice(int phase, int slice)
    {
        (nint begin, nint end) = Share(blocks.Rows, slice);
        nint stride = blocks.Stride;
        for (nint row = begin; row < end; row++)
        {
            float* from = nhwc + row * blocks.Channels;
            float* to = blocked + blocks.Origin(row);
            for (nint channel = 0; channel < blocks.Channels; channel += ChannelBlocks.Width, to += stride)
                LaneLoop.Run(new CopyBody(from + channel, to), 0, ChannelBlocks.Width);
        }
    }

    private readonly struct CopyBody(float* from, float* to) : ILaneBody
    {
        private readonly float* _from = from;
        private readonly float* _to = to;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T> => T.Store(_to + index, T.Load(_from + index));
    }
}

/// <summary>Blocks to NHWC, with what follows the convolution done on the way.</summary>
internal sealed unsafe class LoadedUnblocking<TEpilogue>(
    ThreadTeam team, ChannelBlocks blocks, float* blocked, TEpilogue epilogue, float* nhwc)
    : SlicedKernel(team) where TEpilogue : struct, IEpilogue
{
    protected override long TrafficBytes(int phase) => 2 * blocks.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void RunSlice(int phase, int slice)
    {
        (nint begin, nint end) = Share(blocks.Rows, slice);
        nint stride = blocks.Stride;
        for (nint row = begin; row < end; row++)
        {
            nint to = row * blocks.Channels;
            float* from = blocked + blocks.Origin(row);
            for (nint channel = 0; channel < blocks.Channels; channel += ChannelBlocks.Width, from += stride)
                LaneLoop.Run(new Body(from, epilogue, nhwc, to + channel), 0, ChannelBlocks.Width);
        }
    }

    private readonly struct Body(float* from, TEpilogue epilogue, float* to, nint origin) : ILaneBody
    {
        private readonly float* _from = from;
        private readonly TEpilogue _epilogue = epilogue;
        private readonly float* _to = to;
        private readonly nint _origin = origin;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T>
        {
            nint at = _origin + index;
            T.Store(_to + at, _epilogue.Apply(T.Load(_from + index), at));
        }
    }
}

internal static unsafe class Unblocking
{
    /// <param name="team">Who works.</param>
    /// <param name="blocks">The layout.</param>
    /// <param name="blocked">Where the blocks lie.</param>
    /// <param name="other">A tensor to add, or null.</param>
    /// <param name="relu">Whether to take the maximum with 0 at last.</param>
    /// <param name="nhwc">Where the result goes.</param>
    internal static SlicedKernel Load(
        ThreadTeam team, ChannelBlocks blocks, byte* blocked, byte* other, bool relu, byte* nhwc) =>
        (other == null, relu) switch
        {
            (true, false) => new LoadedUnblocking<Identity>(team, blocks, (float*)blocked, default, (float*)nhwc),
            (true, true) => new LoadedUnblocking<Rectified>(team, blocks, (float*)blocked, default, (float*)nhwc),
            (false, false) => new LoadedUnblocking<Joined<Float32>>(
                team, blocks, (float*)blocked, new(other), (float*)nhwc),
            (false, true) => new LoadedUnblocking<JoinedRectified<Float32>>(
                team, blocks, (float*)blocked, new(other), (float*)nhwc),
        };
}
