using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CudnnResNet.OneDnn.Simd;

/// <summary>Eight floats: AVX2.</summary>
internal readonly unsafe struct Lanes8(Vector256<float> value) : ILanes<Lanes8>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector256<float> _value = value;

    public static bool IsSupported
    {
        [MethodImpl(Inline)]
        get => Avx2.IsSupported && Fma.IsSupported;
    }

    public static Lanes8 Zero
    {
        [MethodImpl(Inline)]
        get => new(Vector256<float>.Zero);
    }

    [MethodImpl(Inline)]
    public static Lanes8 Broadcast(float value) => new(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static Lanes8 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(Inline)]
    public static Lanes8 Load(ushort* source) =>
        new((Avx2.ConvertToVector256Int32(Vector128.Load(source)) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes8 Load(byte* source) =>
        new(Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(Vector64.Load(source).ToVector128Unsafe())));

    [MethodImpl(Inline)]
    public static void Store(float* destination, Lanes8 value) => value._value.Store(destination);

    [MethodImpl(Inline)]
    public static void Store(ushort* destination, Lanes8 value)
    {
        Vector256<uint> rounded = HighHalf(value);
        Vector128.Narrow(rounded.GetLower(), rounded.GetUpper()).Store(destination);
    }

    [MethodImpl(Inline)]
    public static Lanes8 RoundToBFloat16(Lanes8 value) => new((HighHalf(value) << 16).AsSingle());

    [MethodImpl(Inline)]
    private static Vector256<uint> HighHalf(Lanes8 value)
    {
        Vector256<uint> bits = value._value.AsUInt32();
        Vector256<uint> high = bits >>> 16;
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + (high & Vector256<uint>.One)) >>> 16;
        Vector256<uint> isNumber = Vector256.Equals(value._value, value._value).AsUInt32();
        return Vector256.ConditionalSelect(isNumber, rounded, high | Vector256.Create(0x40u));
    }

    [MethodImpl(Inline)]
    public static void Store(byte* destination, Lanes8 value)
    {
        Vector256<int> whole = Vector256.ConvertToInt32Native(value._value);
        Vector128<short> words = Vector128.Narrow(whole.GetLower(), whole.GetUpper());
        Vector128.Narrow(words, words).GetLower().AsByte().Store(destination);
    }

    [MethodImpl(Inline)]
    public static Lanes8 operator +(Lanes8 left, Lanes8 right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Lanes8 operator -(Lanes8 left, Lanes8 right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Lanes8 operator *(Lanes8 left, Lanes8 right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Lanes8 operator /(Lanes8 left, Lanes8 right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Lanes8 MultiplyAdd(Lanes8 a, Lanes8 b, Lanes8 c) =>
        new(Vector256.FusedMultiplyAdd(a._value, b._value, c._value));

    // maxps returns its second operand where either is NaN.
    [MethodImpl(Inline)]
    public static Lanes8 Rectify(Lanes8 value) => new(Avx.Max(Vector256<float>.Zero, value._value));

    [MethodImpl(Inline)]
    public static Lanes8 WherePositive(Lanes8 condition, Lanes8 value) =>
        new(Vector256.GreaterThan(condition._value, Vector256<float>.Zero) & value._value);

    [MethodImpl(Inline)]
    public static Lanes8 WhereEqual(Lanes8 left, Lanes8 right, Lanes8 value) =>
        new(Vector256.Equals(left._value, right._value) & value._value);

    [MethodImpl(Inline)]
    public static Lanes8 WhereAbove(Lanes8 candidate, Lanes8 best, Lanes8 yes, Lanes8 no) =>
        new(Vector256.ConditionalSelect(
            Vector256.GreaterThan(candidate._value, best._value)
                | ~Vector256.Equals(candidate._value, candidate._value),
            yes._value, no._value));

    [MethodImpl(Inline)]
    public static void AddTo(double* sums, Lanes8 terms)
    {
        (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(terms._value);
        (Vector256.Load(sums) + lower).Store(sums);
        (Vector256.Load(sums + 4) + upper).Store(sums + 4);
    }
}
