using System.Runtime.CompilerServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>What a batch norm's dx is made of, by channel: dx = Scale * (g - Offset - (x - Mean) * Slope).</summary>
internal readonly unsafe struct BatchNormCoefficients(byte* workspace, float* mean, nint channels)
{
    internal readonly float* Mean = mean;
    internal readonly float* Scale = (float*)workspace;
    internal readonly float* Offset = (float*)(workspace + Region.Align(channels * sizeof(float)));
    internal readonly float* Slope = (float*)(workspace + 2 * Region.Align(channels * sizeof(float)));

    internal static long Bytes(nint channels) => 3 * Region.Align(channels * sizeof(float));
}

/// <summary>A batch norm's dx and what follows it; dx may be x or the source's memory.</summary>
internal readonly unsafe struct BatchNormGradientBody<TElement, TSource, TEpilogue>(
    RowOrigin row, TSource source, byte* x, BatchNormCoefficients coefficients, TEpilogue epilogue, byte* dx) : ILaneBody
    where TElement : IElement
    where TSource : struct, ISource
    where TEpilogue : struct, IEpilogue
{
    private readonly RowOrigin _row = row;
    private readonly TSource _source = source;
    private readonly byte* _x = x;
    private readonly BatchNormCoefficients _coefficients = coefficients;
    private readonly TEpilogue _epilogue = epilogue;
    private readonly byte* _dx = dx;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Run(RowExtent extent, nint begin, nint end, TSource source, byte* x,
        BatchNormCoefficients coefficients, TEpilogue epilogue, byte* dx)
    {
        for (nint row = begin; row < end; row++)
            LaneLoop.Run(new BatchNormGradientBody<TElement, TSource, TEpilogue>(
                extent.Origin<TSource>(row), source, x, coefficients, epilogue, dx), 0, extent.Channels);
    }

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
