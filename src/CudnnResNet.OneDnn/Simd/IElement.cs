using System.Runtime.CompilerServices;

namespace CudnnResNet.OneDnn.Simd;

/// <summary>How activations lie in memory; they are always computed as float32.</summary>
internal unsafe interface IElement
{
    static abstract int Bytes { get; }

    static abstract T Load<T>(byte* tensor, nint index) where T : struct, ILanes<T>;

    static abstract void Store<T>(byte* tensor, nint index, T value) where T : struct, ILanes<T>;

    /// <summary>What a value becomes by being stored and loaded again.</summary>
    static abstract T Round<T>(T value) where T : struct, ILanes<T>;
}

internal readonly unsafe struct Float32 : IElement
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* tensor, nint index) where T : struct, ILanes<T> => T.Load((float*)tensor + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(byte* tensor, nint index, T value) where T : struct, ILanes<T> =>
        T.Store((float*)tensor + index, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round<T>(T value) where T : struct, ILanes<T> => value;
}

internal readonly unsafe struct BFloat16 : IElement
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load<T>(byte* tensor, nint index) where T : struct, ILanes<T> => T.Load((ushort*)tensor + index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<T>(byte* tensor, nint index, T value) where T : struct, ILanes<T> =>
        T.Store((ushort*)tensor + index, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round<T>(T value) where T : struct, ILanes<T> => T.RoundToBFloat16(value);
}
