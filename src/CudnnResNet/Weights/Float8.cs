using System.Buffers.Binary;

namespace CudnnResNet.Weights;

/// <summary>The eight-bit floats of safetensors (Micikevicius et al., arXiv 2209.05433).</summary>
internal enum Float8Format
{
    /// <summary>Four bits of exponent, three of mantissa, no infinity.</summary>
    E4M3,

    /// <summary>Five bits of exponent, two of mantissa: the upper half of a float16.</summary>
    E5M2,
}

/// <summary>Widens eight-bit floats to float16, which holds each of them exactly.</summary>
internal static class Float8
{
    private const int ExponentBias = 7;

    private static readonly ushort[] OfE4M3 = [.. Enumerable.Range(0, 256).Select(bits => BitConverter.HalfToUInt16Bits(E4M3((byte)bits)))];

    public static byte[] Widen(ReadOnlySpan<byte> values, Float8Format format)
    {
        byte[] result = new byte[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(result.AsSpan(2 * i), format == Float8Format.E5M2 ? (ushort)(values[i] << 8) : OfE4M3[values[i]]);
        return result;
    }

    private static Half E4M3(byte bits)
    {
        (int exponent, int mantissa) = (bits >> 3 & 15, bits & 7);
        if (exponent == 15 && mantissa == 7)
            return Half.NaN;
        double magnitude = exponent == 0
            ? Math.ScaleB(mantissa, 1 - ExponentBias - 3)
            : Math.ScaleB(8 + mantissa, exponent - ExponentBias - 3);
        return (Half)((bits & 0x80) == 0 ? magnitude : -magnitude);
    }
}
