using System.Numerics;
using System.Runtime.InteropServices;

namespace CudnnResNet.Data;

/// <summary>
/// Bytes to (value / 255 - mean) / deviation in one multiplication and one addition, which may differ in the last bit from
/// the two divisions.
/// </summary>
internal sealed class ByteNormalizer
{
    private const int VectorsPerBytes = sizeof(float);

    private readonly int _channels;
    private readonly float[] _scale;
    private readonly float[] _shift;

    /// <param name="normalization">Means and deviations of values from 0 to 1.</param>
    /// <param name="channels">The innermost extent.</param>
    public ByteNormalizer(Normalization normalization, int channels)
    {
        _channels = channels;
        (float[] scale, float[] shift) = Factors(normalization, channels);
        // The pattern of the channels begins anew after as many vectors of bytes.
        _scale = new float[Vector<byte>.Count * channels];
        _shift = new float[_scale.Length];
        for (int i = 0; i < _scale.Length; i++)
        {
            _scale[i] = scale[i % channels];
            _shift[i] = shift[i % channels];
        }
    }

    /// <summary>What each channel's bytes are multiplied by, and what is added then.</summary>
    public static (float[] Scale, float[] Shift) Factors(Normalization normalization, int channels)
    {
        float[] scale = new float[channels], shift = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            double mean = normalization.IsNone ? 0 : normalization.Mean[c];
            double deviation = normalization.IsNone ? 1 : normalization.Std[c];
            scale[c] = (float)(1 / (255 * deviation));
            shift[c] = (float)(-mean / deviation);
        }
        return (scale, shift);
    }

    public void Apply(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        values = values[..bytes.Length];
        int block = _scale.Length;
        int i = 0;
        for (; i <= bytes.Length - block; i += block)
            ApplyBlock(bytes.Slice(i, block), values.Slice(i, block));
        for (; i < bytes.Length; i++)
            values[i] = bytes[i] * _scale[i % _channels] + _shift[i % _channels];
    }

    private void ApplyBlock(ReadOnlySpan<byte> bytes, Span<float> values)
    {
        ReadOnlySpan<Vector<byte>> from = MemoryMarshal.Cast<byte, Vector<byte>>(bytes);
        Span<Vector<float>> to = MemoryMarshal.Cast<float, Vector<float>>(values);
        ReadOnlySpan<Vector<float>> scale = MemoryMarshal.Cast<float, Vector<float>>(_scale);
        ReadOnlySpan<Vector<float>> shift = MemoryMarshal.Cast<float, Vector<float>>(_shift);
        for (int i = 0; i < from.Length; i++)
        {
            Vector.Widen(from[i], out Vector<ushort> low, out Vector<ushort> high);
            Vector.Widen(low, out Vector<uint> a, out Vector<uint> b);
            Vector.Widen(high, out Vector<uint> c, out Vector<uint> d);
            int at = i * VectorsPerBytes;
            to[at] = Single(a) * scale[at] + shift[at];
            to[at + 1] = Single(b) * scale[at + 1] + shift[at + 1];
            to[at + 2] = Single(c) * scale[at + 2] + shift[at + 2];
            to[at + 3] = Single(d) * scale[at + 3] + shift[at + 3];
        }
    }

    private static Vector<float> Single(Vector<uint> values) => Vector.ConvertToSingle(Vector.AsVectorInt32(values));
}
