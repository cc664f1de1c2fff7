using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>The end of a chain, before the result is written: the join with a second tensor and the activation.</summary>
internal interface IEpilogue
{
    T Apply<T>(T value, nint index) where T : struct, ILanes<T>;
}

internal readonly struct Identity : IEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint index) where T : struct, ILanes<T> => value;
}

internal readonly struct Rectified : IEpilogue
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint index) where T : struct, ILanes<T> => T.Rectify(value);
}

internal readonly unsafe struct Joined<TElement>(byte* other) : IEpilogue where TElement : IElement
{
    private readonly byte* _other = other;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint index) where T : struct, ILanes<T> => value + TElement.Load<T>(_other, index);
}

internal readonly unsafe struct JoinedRectified<TElement>(byte* other) : IEpilogue where TElement : IElement
{
    private readonly byte* _other = other;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint index) where T : struct, ILanes<T> =>
        T.Rectify(value + TElement.Load<T>(_other, index));
}
