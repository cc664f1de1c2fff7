using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>What happens to a value by channel.</summary>
internal interface IAffine
{
    /// <summary>False where channels do not matter and a tensor may be taken as one long row.</summary>
    static abstract bool DependsOnChannel { get; }

    T Apply<T>(T value, nint channel) where T : struct, ILanes<T>;
}

internal readonly struct Unchanged : IAffine
{
    public static bool DependsOnChannel => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint channel) where T : struct, ILanes<T> => value;
}

internal readonly unsafe struct ScaleShift(float* scale, float* shift) : IAffine
{
    private readonly float* _scale = scale;
    private readonly float* _shift = shift;

    public static bool DependsOnChannel => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint channel) where T : struct, ILanes<T> =>
        T.MultiplyAdd(value, T.Load(_scale + channel), T.Load(_shift + channel));
}

/// <summary>
/// (value - mean) * scale + shift. The mean is taken off first: folding it into the shift would cancel where it is large
/// beside the deviation.
/// </summary>
internal readonly unsafe struct Centred(float* mean, float* scale, float* shift) : IAffine
{
    private readonly float* _mean = mean;
    private readonly float* _scale = scale;
    private readonly float* _shift = shift;

    public static bool DependsOnChannel => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T value, nint channel) where T : struct, ILanes<T> =>
        T.MultiplyAdd(value - T.Load(_mean + channel), T.Load(_scale + channel), T.Load(_shift + channel));
}
