using System.Runtime.CompilerServices;

namespace CudnnResNet.OneDnn.Simd;

/// <summary>One float.</summary>
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly float _value = value;

    public static Lanes1 Zero => new(0);

    [MethodImpl(Inline)]
    public static Lanes1 Broadcast(float value) => new(value);

    [MethodImpl(Inline)]
    public static Lanes1 Load(float* source) => new(*source);

    [MethodImpl(Inline)]
    public static Lanes1 Load(ushort* source) => new(BitConverter.UInt32BitsToSingle((uint)*source << 16));

    [MethodImpl(Inline)]
    public static Lanes1 Load(byte* source) => new(*source);

    [MethodImpl(Inline)]
    public static void Store(float* destination, Lanes1 value) => *destination = value._value;

    [MethodImpl(Inline)]
    public static void Store(ushort* destination, Lanes1 value) => *destination = (ushort)HighHalf(value);

    [MethodImpl(Inline)]
    public static Lanes1 RoundToBFloat16(Lanes1 value) => new(BitConverter.UInt32BitsToSingle(HighHalf(value) << 16));

    [MethodImpl(Inline)]
    private static uint HighHalf(Lanes1 value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value._value);
        return float.IsNaN(value._value) ? bits >> 16 | 0x40 : bits + 0x7FFF + (bits >> 16 & 1) >> 16;
    }

    [MethodImpl(Inline)]
    public static void Store(byte* destination, Lanes1 value) => *destination = (byte)value._value;

    [MethodImpl(Inline)]
    public static Lanes1 operator +(Lanes1 left, Lanes1 right) => new(left._value + right._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator -(Lanes1 left, Lanes1 right) => new(left._value - right._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator *(Lanes1 left, Lanes1 right) => new(left._value * right._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator /(Lanes1 left, Lanes1 right) => new(left._value / right._value);

    [MethodImpl(Inline)]
    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) =>
        new(MathF.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(Inline)]
    public static Lanes1 Rectify(Lanes1 value) => new(value._value < 0 ? 0 : value._value);

    [MethodImpl(Inline)]
    public static Lanes1 WherePositive(Lanes1 condition, Lanes1 value) => condition._value > 0 ? value : Zero;

    [MethodImpl(Inline)]
    public static Lanes1 WhereEqual(Lanes1 left, Lanes1 right, Lanes1 value) =>
        left._value == right._value ? value : Zero;

    [MethodImpl(Inline)]
    public static Lanes1 WhereAbove(Lanes1 candidate, Lanes1 best, Lanes1 yes, Lanes1 no) =>
        candidate._value > best._value || float.IsNaN(candidate._value) ? yes : no;

    [MethodImpl(Inline)]
    public static void AddTo(double* sums, Lanes1 terms) => *sums += terms._value;
}
