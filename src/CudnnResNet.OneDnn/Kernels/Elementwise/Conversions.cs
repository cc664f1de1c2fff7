using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

internal readonly unsafe struct ConvertBody<TFrom, TTo>(byte* from, byte* to) : ILaneBody
    where TFrom : IElement where TTo : IElement
{
    private readonly byte* _from = from;
    private readonly byte* _to = to;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Invoke<T>(nint index) where T : struct, ILanes<T> =>
        TTo.Store(_to, index, TFrom.Load<T>(_from, index));
}

/// <summary>Rounds float32 to the nearest bf16 values and keeps them as float32.</summary>
internal readonly unsafe struct RoundBody(float* from, float* to) : ILaneBody
{
    private readonly float* _from = from;
    private readonly float* _to = to;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Invoke<T>(nint index) where T : struct, ILanes<T> =>
        T.Store(_to + index, T.RoundToBFloat16(T.Load(_from + index)));
}
