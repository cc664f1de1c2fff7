using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Imaging.Resampling;

/// <summary>Resamples every row of RGB pixels.</summary>
internal static unsafe class RowPass
{
    /// <summary>Taps 0 and 1 of a 16-byte load as pairs of 16-bit numbers, channel by channel; then taps 2 and 3.</summary>
    private static readonly Vector128<byte> FirstPair = Vector128.Create(0, 255, 3, 255, 1, 255, 4, 255, 2, 255, 5, 255, 255, 255, 255, 255).AsByte();
    private static readonly Vector128<byte> SecondPair = Vector128.Create(6, 255, 9, 255, 7, 255, 10, 255, 8, 255, 11, 255, 255, 255, 255, 255).AsByte();

    /// <param name="source">Rows of pixels.</param>
    /// <param name="axis">The table.</param>
    /// <param name="to">Receives rows of as many pixels as the table makes; one byte behind each row is overwritten.</param>
    /// <param name="toStride">Bytes from row to row, at least one more than a row has.</param>
    public static void Run(PixelView source, ResampleAxis axis, byte* to, int toStride)
    {
        int y = 0;
        if (Avx2.IsSupported)
            for (; y + 2 <= source.Height; y += 2)
                TwoRows(source.Address + (long)y * source.StrideBytes, source.StrideBytes, axis, to + (long)y * toStride, toStride);
        for (; y < source.Height; y++)
            OneRow(source.Address + (long)y * source.StrideBytes, axis, to + (long)y * toStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoRows(byte* from, int fromStride, ResampleAxis axis, byte* to, int toStride)
    {
        Vector256<byte> firstPair = Vector256.Create(FirstPair, FirstPair);
        Vector256<byte> secondPair = Vector256.Create(SecondPair, SecondPair);
        Vector256<int> half = Vector256.Create(1 << (axis.PrecisionBits - 1));
        Vector128<int> shift = Vector128.CreateScalar(axis.PrecisionBits);
        int tapStride = axis.TapStride;
        fixed (short* allWeights = axis.Weights)
        fixed (int* starts = axis.Starts, counts = axis.Counts)
            for (int x = 0; x < axis.Length; x++)
            {
                byte* at = from + starts[x] * PixelBuffer.Channels;
                int* weights = (int*)(allWeights + x * tapStride);
                Vector256<int> sum = half;
                for (int tap = counts[x]; tap > 0; tap -= ResampleAxis.TapGroup, at += 12, weights += 2)
                {
                    Vector256<byte> pixels = Vector256.Create(Vector128.Load(at), Vector128.Load(at + fromStride));
                    sum += Avx2.MultiplyAddAdjacent(Avx2.Shuffle(pixels, firstPair).AsInt16(), Vector256.Create(weights[0]).AsInt16());
                    sum += Avx2.MultiplyAddAdjacent(Avx2.Shuffle(pixels, secondPair).AsInt16(), Vector256.Create(weights[1]).AsInt16());
                }
                sum = Avx2.ShiftRightArithmetic(sum, shift);
                Vector256<short> words = Avx2.PackSignedSaturate(sum, sum);
                Vector256<byte> packed = Avx2.PackUnsignedSaturate(words, words);
                // The fourth byte is the next pixel's, or behind the row.
                *(uint*)(to + x * PixelBuffer.Channels) = packed.AsUInt32().ToScalar();
                *(uint*)(to + toStride + x * PixelBuffer.Channels) = packed.GetUpper().AsUInt32().ToScalar();
            }
    }

    private static void OneRow(byte* from, ResampleAxis axis, byte* to)
    {
        int bits = axis.PrecisionBits;
        for (int x = 0; x < axis.Length; x++, to += PixelBuffer.Channels)
        {
            byte* at = from + axis.Starts[x] * PixelBuffer.Channels;
            int red = 1 << (bits - 1), green = red, blue = red;
            for (int tap = 0; tap < axis.Counts[x]; tap++, at += PixelBuffer.Channels)
            {
                int weight = axis.Weights[x * axis.TapStride + tap];
                red += at[0] * weight;
                green += at[1] * weight;
                blue += at[2] * weight;
            }
            (to[0], to[1], to[2]) = (Clip(red >> bits), Clip(green >> bits), Clip(blue >> bits));
        }
    }

    private static byte Clip(int value) => (byte)Math.Clamp(value, 0, 255);
}
