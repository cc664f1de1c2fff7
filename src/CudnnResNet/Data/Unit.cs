using System.Numerics;
using System.Runtime.InteropServices;

namespace CudnnResNet.Data;

/// <summary>Bytes as numbers from 0 to 1.</summary>
internal static class Unit
{
    /// <summary>value / 255 in float32, correctly rounded.</summary>
    public static void FromBytes(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        values = values[..bytes.Length];
        var divisor = new Vector<float>(255f);
        int i = 0;
        for (; i <= bytes.Length - Vector<byte>.Count; i += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(bytes[i..]), out Vector<ushort> low, out Vector<ushort> high);
            Span<float> to = values.Slice(i, Vector<byte>.Count);
            Write(low, to, divisor);
            Write(high, to[(Vector<byte>.Count / 2)..], divisor);
        }
        for (; i < bytes.Length; i++)
            values[i] = bytes[i] / 255f;
    }

    private static void Write(Vector<ushort> shorts, Span<float> to, Vector<float> divisor)
    {
        Vector.Widen(shorts, out Vector<uint> low, out Vector<uint> high);
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(to);
        vectors[0] = Vector.ConvertToSingle(Vector.AsVectorInt32(low)) / divisor;
        vectors[1] = Vector.ConvertToSingle(Vector.AsVectorInt32(high)) / divisor;
    }
}
