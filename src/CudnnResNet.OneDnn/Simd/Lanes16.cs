using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CudnnResNet.OneDnn.Simd;

/// <summary>Sixteen floats: AVX-512.</summary>
internal readonly unsafe struct Lanes16(Vector512<float> value) : ILanes<Lanes16>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector512<float> _value = value;

    public static bool IsSupported
    {
        [MethodImpl(Inline)]
        get => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;
    }

    public static Lanes16 Zero
    {
        [MethodImpl(Inline)]
        get => new(Vector512<float>.Zero);
    }

    [MethodImpl(Inline)]
    public static Lanes16 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static Lanes16 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(Inline)]
    public static Lanes16 Load(ushort* source) =>
        new((Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes16 Load(byte* source) =>
        new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(Vector128.Load(source))));

    [MethodImpl(Inline)]
    public static void Store(float* destination, Lanes16 value) => value._value.Store(destination);

    [MethodImpl(Inline)]
    public static void Store(ushort* destination, Lanes16 value)
    {
        Vector512<uint> rounded = HighHalf(value);
        Avx512F.ConvertToVector256UInt16(rounded).Store(destination);
    }

    [MethodImpl(Inline)]
    public static Lanes16 RoundToBFloat16(Lanes16 value) => new((HighHalf(value) << 16).AsSingle());

    [MethodImpl(Inline)]
    private static Vector512<uint> HighHalf(Lanes16 value)
    {
        Vector512<uint> bits = value._value.AsUInt32();
        Vector512<uint> high = bits >>> 16;
        Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + (high & Vector512<uint>.One)) >>> 16;
        Vector512<uint> isNumber = Vector512.Equals(value._value, value._value).AsUInt32();
        return Vector512.ConditionalSelect(isNumber, rounded, high | Vector512.Create(0x40u));
    }

    [MethodImpl(Inline)]
    public static void Store(byte* destination, Lanes16 value) =>
        Avx512F.ConvertToVector128Byte(Vector512.ConvertToInt32Native(value._value).AsUInt32()).Store(destination);

    [MethodImpl(Inline)]
    public static Lanes16 operator +(Lanes16 left, Lanes16 right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Lanes16 operator -(Lanes16 left, Lanes16 right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Lanes16 operator *(Lanes16 left, Lanes16 right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Lanes16 operator /(Lanes16 left, Lanes16 right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Lanes16 MultiplyAdd(Lanes16 a, Lanes16 b, Lanes16 c) =>
        new(Vector512.FusedMultiplyAdd(a._value, b._value, c._value));

    // maxps returns its second operand where either is NaN.
    [MethodImpl(Inline)]
    public static Lanes16 Rectify(Lanes16 value) => new(Avx512F.Max(Vector512<float>.Zero, value._value));

    [MethodImpl(Inline)]
    public static Lanes16 WherePositive(Lanes16 condition, Lanes16 value) =>
        new(Vector512.GreaterThan(condition._value, Vector512<float>.Zero) & value._value);

    [MethodImpl(Inline)]
    public static Lanes16 WhereEqual(Lanes16 left, Lanes16 right, Lanes16 value) =>
        new(Vector512.Equals(left._value, right._value) & value._value);

    [MethodImpl(Inline)]
    public static Lanes16 WhereAbove(Lanes16 candidate, Lanes16 best, Lanes16 yes, Lanes16 no) =>
        new(Vector512.ConditionalSelect(
            Vector512.GreaterThan(candidate._value, best._value)
                | ~Vector512.Equals(candidate._value, candidate._value),
            yes._value, no._value));

    [MethodImpl(Inline)]
    public static void AddTo(double* sums, Lanes16 terms)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(terms._value);
        (Vector512.Load(sums) + lower).Store(sums);
        (Vector512.Load(sums + 8) + upper).Store(sums + 8);
    }
}
