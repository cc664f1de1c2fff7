using System.Runtime.CompilerServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// Phases: moments of every slice of rows; statistics by channel; normalise, join, activate. The statistics pass reads
/// each block of rows twice, the second time from cache, so squares are taken around the block's own mean.
/// </summary>
internal sealed unsafe class LoadedBatchNormTraining<TElement, TFirst, TAgain, TEpilogue>(
    ThreadTeam team, RowExtent extent, TFirst first, TAgain again, TEpilogue epilogue, byte* y,
    BatchNormTrainingVectors vectors, byte* workspace)
    : SlicedKernel(team)
    where TElement : IElement
    where TFirst : struct, ISource
    where TAgain : struct, ISource
    where TEpilogue : struct, IEpilogue
{
    private readonly float* _mean = (float*)(workspace + team.Threads * SliceSums.BytesPerSlice(extent.Channels));
    private readonly float* _scale = (float*)(workspace + team.Threads * SliceSums.BytesPerSlice(extent.Channels)
        + Region.Align(extent.Channels * sizeof(float)));

    internal static long WorkspaceBytes(int slices, nint channels) =>
        slices * SliceSums.BytesPerSlice(channels) + 2 * Region.Align(channels * sizeof(float));

    protected override int Phases => 3;

    protected override long TrafficBytes(int phase) => phase == 1
        ? Slices * extent.Channels * 2 * sizeof(double)
        : extent.Rows * extent.Channels * TElement.Bytes;

    protected override void RunSlice(int phase, int slice)
    {
        switch (phase)
        {
            case 0:
                Measure(slice);
                break;
            case 1:
                Conclude(slice);
                break;
            default:
                Normalise(slice);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Measure(int slice)
    {
        SliceSums sums = new(workspace, slice, extent.Channels);
        sums.Clear();
        (nint begin, nint end) = Share(extent.Rows, slice);
        nint blockRows = RowReductions.BlockRows(extent.Channels);
        for (nint block = begin; block < end; block += blockRows)
        {
            nint blockEnd = Math.Min(block + blockRows, end);
            sums.ClearBlock();
            RowReductions.Run(new SumReduction<TFirst>(first, sums.BlockFirst), extent, block, blockEnd);
            LaneLoop.Run(new ScaleBody(sums.BlockFirst, 1f / (blockEnd - block)), 0, extent.Channels);
            RowReductions.Run(
                new SquareReduction(again, sums.BlockFirst, sums.BlockSecond), extent, block, blockEnd);
            Moments.AddBlock(sums, extent.Channels, count: block - begin, blockCount: blockEnd - block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Conclude(int slice)
    {
        (nint begin, nint end) = Share(extent.Channels, slice, grain: 16);
        for (nint c = begin; c < end; c++)
        {
            double mean = 0, moment = 0, count = 0;
            for (int other = 0; other < Slices; other++)
            {
                (nint firstRow, nint lastRow) = Share(extent.Rows, other);
                double otherCount = lastRow - firstRow;
                if (otherCount == 0)
                    continue;
                SliceSums sums = new(workspace, other, extent.Channels);
                Moments.Combine(ref mean, ref moment, count, sums.First[c], sums.Second[c], otherCount);
                count += otherCount;
            }
            _mean[c] = (float)mean;
            _scale[c] = vectors.Conclude(c, mean, moment, extent.Rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Normalise(int slice)
    {
        Centred affine = new(_mean, _scale, vectors.Beta);
        (nint begin, nint end) = Share(extent.Rows, slice);
        for (nint row = begin; row < end; row++)
            LaneLoop.Run(new PointwiseBody<TElement, TAgain, Centred, TEpilogue>(
                extent.Origin<TAgain>(row), again, affine, epilogue, y), 0, extent.Channels);
    }

    private readonly struct SquareReduction(TAgain source, float* mean, float* squares) : IRowReduction
    {
        private readonly TAgain _source = source;
        private readonly float* _mean = mean;
        private readonly float* _squares = squares;

        public static bool ReadsPooled => TAgain.ReadsPooled;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TGroup, T>(RowGroup rows, nint channel) where TGroup : IRowGroup where T : struct, ILanes<T>
        {
            T mean = T.Load(_mean + channel);
            T distance = _source.Load<T>(rows.Row0, channel) - mean;
            T sum = distance * distance;
            if (TGroup.Rows == 4)
            {
                distance = _source.Load<T>(rows.Row1, channel) - mean;
                sum = T.MultiplyAdd(distance, distance, sum);
                distance = _source.Load<T>(rows.Row2, channel) - mean;
                sum = T.MultiplyAdd(distance, distance, sum);
                distance = _source.Load<T>(rows.Row3, channel) - mean;
                sum = T.MultiplyAdd(distance, distance, sum);
            }
            T.Store(_squares + channel, T.Load(_squares + channel) + sum);
        }
    }

    private readonly struct ScaleBody(float* vector, float factor) : ILaneBody
    {
        private readonly float* _vector = vector;
        private readonly float _factor = factor;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint index) where T : struct, ILanes<T> =>
            T.Store(_vector + index, T.Load(_vector + index) * T.Broadcast(_factor));
    }
}
