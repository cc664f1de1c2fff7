namespace CudnnResNet.OneDnn.Simd;

/// <summary>
/// A vector of floats: 16, 8 or 1 of them. Kernels are written once against this interface and specialised by the
/// compiler; the single lane takes the tails.
/// </summary>
internal unsafe interface ILanes<T> where T : struct, ILanes<T>
{
    static abstract T Zero { get; }

    static abstract T Broadcast(float value);

    static abstract T Load(float* source);

    /// <summary>Widens bf16 values.</summary>
    static abstract T Load(ushort* source);

    /// <summary>Widens integers.</summary>
    static abstract T Load(byte* source);

    static abstract void Store(float* destination, T value);

    /// <summary>Rounds to bf16, to nearest even; NaN stays NaN.</summary>
    static abstract void Store(ushort* destination, T value);

    /// <summary>Stores whole numbers in 0..255.</summary>
    static abstract void Store(byte* destination, T value);

    /// <summary>The nearest bf16 values, as float32.</summary>
    static abstract T RoundToBFloat16(T value);

    static abstract T operator +(T left, T right);

    static abstract T operator -(T left, T right);

    static abstract T operator *(T left, T right);

    static abstract T operator /(T left, T right);

    /// <summary>a * b + c with one rounding.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>max(value, 0); NaN stays NaN.</summary>
    static abstract T Rectify(T value);

    /// <summary>value where condition &gt; 0, else 0.</summary>
    static abstract T WherePositive(T condition, T value);

    /// <summary>value where left == right, else 0.</summary>
    static abstract T WhereEqual(T left, T right, T value);

    /// <summary>yes where candidate &gt; best or candidate is NaN, else no.</summary>
    static abstract T WhereAbove(T candidate, T best, T yes, T no);

    /// <summary>sums[lane] += terms[lane].</summary>
    static abstract void AddTo(double* sums, T terms);
}
