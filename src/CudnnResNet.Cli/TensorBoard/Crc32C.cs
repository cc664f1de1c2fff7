using System.Buffers.Binary;
using System.Numerics;

namespace CudnnResNet.Cli.TensorBoard;

/// <summary>The Castagnoli CRC (RFC 3720, appendix B.4), and the mask that record files put over it.</summary>
internal static class Crc32C
{
    private const uint MaskDelta = 0xA282EAD8;

    public static uint Of(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (byte value in data)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>A CRC over data that holds CRCs would be weak: rotated and displaced, as in TensorFlow's lib/hash/crc32c.h.</summary>
    public static uint Masked(ReadOnlySpan<byte> data) => BitOperations.RotateRight(Of(data), 15) + MaskDelta;
}
