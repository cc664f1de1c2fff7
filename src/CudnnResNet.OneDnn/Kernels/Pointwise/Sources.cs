using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>
/// Where a row kernel's operand comes from: memory, or something computed on the way that is never written. Sources
/// nest, so that every fused chain is a type and none is a copy of another.
/// </summary>
internal interface ISource
{
    /// <summary>Whether it reads a tensor [N,C] beside those of the full extent.</summary>
    static abstract bool ReadsPooled { get; }

    T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T>;
}

/// <summary>The tensor itself.</summary>
internal readonly unsafe struct Stored<TElement>(byte* tensor) : ISource where TElement : IElement
{
    private readonly byte* _tensor = tensor;

    public static bool ReadsPooled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T> =>
        TElement.Load<T>(_tensor, row.Tensor + channel);
}

/// <summary>a + b.</summary>
internal readonly unsafe struct Sum<TElement>(byte* a, byte* b) : ISource where TElement : IElement
{
    private readonly byte* _a = a;
    private readonly byte* _b = b;

    public static bool ReadsPooled => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T> =>
        TElement.Load<T>(_a, row.Tensor + channel) + TElement.Load<T>(_b, row.Tensor + channel);
}

/// <summary>The gradient of a global average pool: every position of an image gets its share.</summary>
internal readonly unsafe struct Spread<TElement>(byte* pooled, float share) : ISource where TElement : IElement
{
    private readonly byte* _pooled = pooled;
    private readonly float _share = share;

    public static bool ReadsPooled => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T> =>
        TElement.Load<T>(_pooled, row.Pooled + channel) * T.Broadcast(_share);
}

/// <summary>A gradient where the forward output was positive, else 0.</summary>
internal readonly unsafe struct Masked<TElement, TSource>(TSource source, byte* output) : ISource
    where TElement : IElement where TSource : struct, ISource
{
    private readonly TSource _source = source;
    private readonly byte* _output = output;

    public static bool ReadsPooled => TSource.ReadsPooled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T> =>
        T.WherePositive(TElement.Load<T>(_output, row.Tensor + channel), _source.Load<T>(row, channel));
}

/// <summary>Also writes what passes, and hands on what later readers of that memory will see.</summary>
internal readonly unsafe struct Kept<TElement, TSource>(TSource source, byte* copy) : ISource
    where TElement : IElement where TSource : struct, ISource
{
    private readonly TSource _source = source;
    private readonly byte* _copy = copy;

    public static bool ReadsPooled => TSource.ReadsPooled;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(RowOrigin row, nint channel) where T : struct, ILanes<T>
    {
        T value = _source.Load<T>(row, channel);
        TElement.Store(_copy, row.Tensor + channel, value);
        return TElement.Round(value);
    }
}
