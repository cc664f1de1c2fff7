using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>Adds rows to sums by channel.</summary>
internal readonly unsafe struct SumReduction<TSource>(TSource source, float* sums) : IRowReduction
    where TSource : struct, ISource
{
    private readonly TSource _source = source;
    private readonly float* _sums = sums;

    public static bool ReadsPooled => TSource.ReadsPooled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<TGroup, T>(RowGroup rows, nint channel) where TGroup : IRowGroup where T : struct, ILanes<T>
    {
        T sum = _source.Load<T>(rows.Row0, channel);
        if (TGroup.Rows == 4)
            sum = sum + _source.Load<T>(rows.Row1, channel)
                + (_source.Load<T>(rows.Row2, channel) + _source.Load<T>(rows.Row3, channel));
        T.Store(_sums + channel, T.Load(_sums + channel) + sum);
    }
}

/// <summary>Takes a block's sums into those of its slice.</summary>
internal readonly unsafe struct FlushBody(SliceSums sums) : ILaneBody
{
    private readonly SliceSums _sums = sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Invoke<T>(nint index) where T : struct, ILanes<T>
    {
        T.AddTo(_sums.First + index, T.Load(_sums.BlockFirst + index));
        T.AddTo(_sums.Second + index, T.Load(_sums.BlockSecond + index));
    }
}
