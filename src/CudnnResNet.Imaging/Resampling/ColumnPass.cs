using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace CudnnResNet.Imaging.Resampling;

/// <summary>Resamples the columns of rows of bytes: every new row is a weighted sum of old rows.</summary>
internal static unsafe class ColumnPass
{
    private const int ChunkBytes = 16;

    /// <param name="rows">The old rows, from <paramref name="firstRow"/> on.</param>
    /// <param name="firstRow">The number of the first of them in the table.</param>
    /// <param name="stride">Bytes from one of them to the next.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="axis">The table.</param>
    /// <param name="to">Receives the new rows.</param>
    /// <param name="toStride">Bytes from one of them to the next.</param>
    public static void Run(byte* rows, int firstRow, int stride, int rowBytes, ResampleAxis axis, byte* to, int toStride)
    {
        for (int y = 0; y < axis.Length; y++, to += toStride)
        {
            byte* first = rows + (long)(axis.Starts[y] - firstRow) * stride;
            ReadOnlySpan<short> weights = axis.Weights.AsSpan(y * axis.TapStride, axis.TapStride);
            if (Avx2.IsSupported && rowBytes >= ChunkBytes)
                Chunks(first, stride, rowBytes, weights, axis.Counts[y], axis.PrecisionBits, to);
            else
                Plain(first, stride, rowBytes, weights[..axis.Counts[y]], axis.PrecisionBits, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chunks(byte* first, int stride, int rowBytes, ReadOnlySpan<short> weights, int taps, int bits, byte* to)
    {
        Vector256<int> half = Vector256.Create(1 << (bits - 1));
        Vector128<int> shift = Vector128.CreateScalar(bits);
        fixed (short* allWeights = weights)
            for (int x = 0; x < rowBytes; x += ChunkBytes)
            {
                // The last chunk is done where it fits, in part for the second time.
                int at = Math.Min(x, rowBytes - ChunkBytes);
                byte* from = first + at;
                Vector256<int> low = half, high = half;
                for (int tap = 0; tap < taps; tap += 2, from += 2 * (long)stride)
                {
                    Vector256<short> pair = Vector256.Create(*(int*)(allWeights + tap)).AsInt16();
                    Vector256<short> a = Avx2.ConvertToVector256Int16(from);
                    // An odd last row is paired with itself: its partner's weight is zero.
                    Vector256<short> b = tap + 1 < taps ? Avx2.ConvertToVector256Int16(from + stride) : a;
                    low += Avx2.MultiplyAddAdjacent(Avx2.UnpackLow(a, b), pair);
                    high += Avx2.MultiplyAddAdjacent(Avx2.UnpackHigh(a, b), pair);
                }
                Vector256<short> words = Avx2.PackSignedSaturate(
                    Avx2.ShiftRightArithmetic(low, shift), Avx2.ShiftRightArithmetic(high, shift));
                Vector128.Store(Sse2.PackUnsignedSaturate(words.GetLower(), words.GetUpper()), to + at);
            }
    }

    private static void Plain(byte* first, int stride, int rowBytes, ReadOnlySpan<short> weights, int bits, byte* to)
    {
        for (int x = 0; x < rowBytes; x++)
        {
            int sum = 1 << (bits - 1);
            for (int tap = 0; tap < weights.Length; tap++)
                sum += first[x + (long)tap * stride] * weights[tap];
            to[x] = (byte)Math.Clamp(sum >> bits, 0, 255);
        }
    }
}
