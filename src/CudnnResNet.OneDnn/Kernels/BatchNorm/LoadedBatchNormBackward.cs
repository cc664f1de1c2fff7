using System.Runtime.CompilerServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>Operands by channel of a batch norm's gradient; results are null where nobody reads them.</summary>
internal unsafe struct BatchNormBackwardVectors
{
    internal float* Gamma, Mean, InverseDeviation, GammaGradient, BetaGradient;
}

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
    private readonly Coefficients _coefficients = new(
        workspace + team.Threads * SliceSums.BytesPerSlice(extent.Channels), vectors.Mean, extent.Channels);

    internal static long WorkspaceBytes(int slices, nint channels) =>
        slices * SliceSums.BytesPerSlice(channels) + 3 * Region.Align(channels * sizeof(float));

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
        double rows = extent.Rows;
        for (nint c = begin; c < end; c++)
        {
            double sum = 0, product = 0;
            for (int other = 0; other < Slices; other++)
            {
                SliceSums sums = new(workspace, other, extent.Channels);
                sum += sums.First[c];
                product += sums.Second[c];
            }
            double inverseDeviation = vectors.InverseDeviation[c];
            double gammaGradient = product * inverseDeviation;
            if (vectors.BetaGradient != null)
                vectors.BetaGradient[c] = (float)sum;
            if (vectors.GammaGradient != null)
                vectors.GammaGradient[c] = (float)gammaGradient;
            _coefficients.Scale[c] = (float)(vectors.Gamma[c] * inverseDeviation);
            _coefficients.Offset[c] = (float)(sum / rows);
            _coefficients.Slope[c] = (float)(gammaGradient * inverseDeviation / rows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Differentiate(int slice)
    {
        (nint begin, nint end) = Share(extent.Rows, slice);
        for (nint row = begin; row < end; row++)
            LaneLoop.Run(new GradientBody(extent.Origin<TAgain>(row), again, x, _coefficients, epilogue, dx), 0, extent.Channels);
    }

    /// <summary>dx = Scale * (g - Offset - (x - Mean) * Slope).</summary>
    private readonly struct Coefficients(byte* workspace, float* mean, nint channels)
    {
        internal readonly float* Mean = mean;
        internal readonly float* Scale = (float*)workspace;
        internal readonly float* Offset = (float*)(workspace + Region.Align(channels * sizeof(float)));
        internal readonly float* Slope = (float*)(workspace + 2 * Region.Align(channels * sizeof(float)));
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

    private readonly struct GradientBody(
        RowOrigin row, TAgain source, byte* x, Coefficients coefficients, TEpilogue epilogue, byte* dx) : ILaneBody
    {
        private readonly RowOrigin _row = row;
        private readonly TAgain _source = source;
        private readonly byte* _x = x;
        private readonly Coefficients _coefficients = coefficients;
        private readonly TEpilogue _epilogue = epilogue;
        private readonly byte* _dx = dx;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invoke<T>(nint channel) where T : struct, ILanes<T>
        {
            nint index = _row.Tensor + channel;
            T distance = TElement.Load<T>(_x, index) - T.Load(_coefficients.Mean + channel);
            T centred = _source.Load<T>(_row, channel) - T.Load(_coefficients.Offset + channel);
            T gradient = (centred - distance * T.Load(_coefficients.Slope + channel))
                * T.Load(_coefficients.Scale + channel);
            TElement.Store(_dx, index, _epilogue.Apply(gradient, index));
        }
    }
}
