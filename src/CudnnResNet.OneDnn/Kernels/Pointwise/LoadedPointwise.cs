using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>One row, or a part of it.</summary>
internal readonly unsafe struct PointwiseBody<TElement, TSource, TAffine, TEpilogue>(
    RowOrigin row, TSource source, TAffine affine, TEpilogue epilogue, byte* y) : ILaneBody
    where TElement : IElement
    where TSource : struct, ISource
    where TAffine : struct, IAffine
    where TEpilogue : struct, IEpilogue
{
    private readonly RowOrigin _row = row;
    private readonly TSource _source = source;
    private readonly TAffine _affine = affine;
    private readonly TEpilogue _epilogue = epilogue;
    private readonly byte* _y = y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Invoke<T>(nint channel) where T : struct, ILanes<T>
    {
        nint index = _row.Tensor + channel;
        T value = _affine.Apply(_source.Load<T>(_row, channel), channel);
        TElement.Store(_y, index, _epilogue.Apply(value, index));
    }
}

/// <summary>y = epilogue(affine(source)), in one pass over memory.</summary>
internal sealed unsafe class LoadedPointwise<TElement, TSource, TAffine, TEpilogue>(
    ThreadTeam team, RowExtent extent, TSource source, ScaleTable? table, TAffine affine, TEpilogue epilogue, byte* y)
    : SlicedKernel(team)
    where TElement : IElement
    where TSource : struct, ISource
    where TAffine : struct, IAffine
    where TEpilogue : struct, IEpilogue
{
    protected override long TrafficBytes(int phase) => 2L * extent.Rows * extent.Channels * TElement.Bytes;

    protected override void BeforeRun() => table?.Fill();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void RunSlice(int phase, int slice)
    {
        if (!TAffine.DependsOnChannel && !TSource.ReadsPooled)
        {
            (nint first, nint last) = Share(extent.Rows * extent.Channels, slice, grain: 64);
            LaneLoop.Run(new PointwiseBody<TElement, TSource, TAffine, TEpilogue>(
                default, source, affine, epilogue, y), first, last);
            return;
        }
        (nint begin, nint end) = Share(extent.Rows, slice);
        for (nint row = begin; row < end; row++)
            LaneLoop.Run(new PointwiseBody<TElement, TSource, TAffine, TEpilogue>(
                extent.Origin<TSource>(row), source, affine, epilogue, y), 0, extent.Channels);
    }
}
