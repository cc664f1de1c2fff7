using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// With g the incoming gradient, M the rows and d = x - mean: dbeta = sum(g), dgamma = sum(g * d) / deviation,
/// dx = gamma / deviation * (g - dbeta / M - d * dgamma / (M * deviation)).
/// Phases: the two sums of every slice of rows; coefficients by channel; dx and what follows it.
/// </summary>
internal sealed unsafe class LoadedBatchNormBackward<TElement, TFirst, TAgain, TEpilogue>(
    ThreadTeam team, RowExtent extent, TFirst first, TAgain again, byte* x, TEpilogue epilogue, byte* dx,
    BatchNormBackwardVectors vectors, byte* workspace)
    : SlicedKernel(team)
    where TElement : IElement
    where TFirst : struct, ISource
    where TAgain : struct, ISource
    where TEpilogue : struct, IEpilogue
{
    private readonly BatchNormCoefficients _coefficients = new(
        workspace + team.Threads * SliceSums.BytesPerSlice(extent.Channels), vectors.Mean, extent.Channels);

    internal static long WorkspaceBytes(int slices, nint channels) =>
        slices * SliceSums.BytesPerSlice(channels) + BatchNormCoefficients.Bytes(channels);

    protected override int Phases => 3;

    protected override long TrafficBytes(int phase) => phase == 1
        ? Slices * extent.Channels * 2 * sizeof(double)
        : 2 * extent.Rows * extent.Channels * TElement.Bytes;

    protected override void RunSlice(int phase, int slice)
    {
        switch (phase)
        {
            case 0:
                Reduce(slice);
                break;
            case 1:
                Conclude(slice);
                break;
            default:
                Differentiate(slice);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Reduce(int slice)
    {
        SliceSums sums = new(workspace, slice, extent.Channels);
        sums.Clear();
        (nint begin, nint end) = Share(extent.Rows, slice);
        nint blockRows = RowReductions.BlockRows(extent.Channels);
        for (nint block = begin; block < end; block += blockRows)
        {
            sums.ClearBlock();
            RowReductions.Run(new Reduction(first, x, vectors.Mean, sums.BlockFirst, sums.BlockSecond),
                extent, block, Math.Min(block + blockRows, end));
            LaneLoop.Run(new FlushBody(sums), 0, extent.Channels);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Conclude(int slice)
    {
        (nint begin, nint end) = Share(extent.Channels, slice, grain: 16);
        for (nint c = begin; c < end; c++)
        {
            double sum = 0, product = 0;
            for (int other = 0; other < Slices; other++)
            {
                SliceSums sums = new(workspace, other, extent.Channels);
                sum += sums.First[c];
                product += sums.Second[c];
            }
            vectors.Conclude(c, sum, product, extent.Rows, _coefficients);
        }
    }

    private void Differentiate(int slice)
    {
        (nint begin, nint end) = Share(extent.Rows, slice);
        BatchNormGradientBody<TElement, TAgain, TEpilogue>.Run(extent, begin, end, again, x, _coefficients, epilogue, dx);
    }

    private readonly struct Reduction(TFirst source, byte* x, float* mean, float* sums, float* products)
        : IRowReduction
    {
        private readonly TFirst _source = source;
        private readonly byte* _x = x;
        private readonly float* _mean = mean;
        private readonly float* _sums = sums;
        private readonly float* _products = products;

        public static bool ReadsPooled => TFirst.ReadsPooled;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add<TGroup, T>(RowGroup rows, nint channel) where TGroup : IRowGroup where T : struct, ILanes<T>
        {
            T mean = T.Load(_mean + channel);
            T sum = T.Load(_sums + channel);
            T product = T.Load(_products + channel);
            Add(rows.Row0, channel, mean, ref sum, ref product);
            if (TGroup.Rows == 4)
            {
                Add(rows.Row1, channel, mean, ref sum, ref product);
                Add(rows.Row2, channel, mean, ref sum, ref product);
                Add(rows.Row3, channel, mean, ref sum, ref product);
            }
            T.Store(_sums + channel, sum);
            T.Store(_products + channel, product);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Add<T>(RowOrigin row, nint channel, T mean, ref T sum, ref T product) where T : struct, ILanes<T>
        {
            T gradient = _source.Load<T>(row, channel);
            sum += gradient;
            product = T.MultiplyAdd(gradient, TElement.Load<T>(_x, row.Tensor + channel) - mean, product);
        }
    }
}
