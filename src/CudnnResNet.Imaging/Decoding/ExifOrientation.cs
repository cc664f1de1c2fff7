using System.Buffers.Binary;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>
/// The orientation that a camera noted: tag 274 of the first directory (Exif 2.32, section 4.6.4). A block that is
/// damaged says nothing: 1, upright.
/// </summary>
internal static class ExifOrientation
{
    private const ushort OrientationTag = 0x0112;
    private const ushort ShortType = 3;
    private const int EntryBytes = 12;

    /// <summary>Searches a JPEG file's segments before its first scan.</summary>
    public static int OfJpeg(ReadOnlySpan<byte> file)
    {
        int at = 2;
        while (at + 4 <= file.Length && file[at] == 0xFF)
        {
            byte marker = file[at + 1];
            if (marker == 0xFF)
            {
                at++;
                continue;
            }
            if (marker is 0xD9 or 0xDA)
                break;
            int length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length)
                break;
            ReadOnlySpan<byte> content = file.Slice(at + 4, length - 2);
            if (marker == 0xE1 && content.StartsWith("Exif\0\0"u8))
                return OfTiff(content[6..]);
            at += 2 + length;
        }
        return 1;
    }

    /// <summary>In a TIFF header and its first directory.</summary>
    public static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        bool isLittle = tiff.StartsWith("II*\0"u8);
        if (tiff.Length < 8 || !(isLittle || tiff.StartsWith("MM\0*"u8)))
            return 1;
        long directory = Read32(tiff[4..], isLittle);
        if (directory + 2 > tiff.Length)
            return 1;
        int entries = Read16(tiff[(int)directory..], isLittle);
        for (int i = 0; i < entries; i++)
        {
            long at = directory + 2 + (long)i * EntryBytes;
            if (at + EntryBytes > tiff.Length)
                return 1;
            ReadOnlySpan<byte> entry = tiff.Slice((int)at, EntryBytes);
            if (Read16(entry, isLittle) != OrientationTag)
                continue;
            int value = Read16(entry[8..], isLittle);
            return Read16(entry[2..], isLittle) == ShortType && value is >= 1 and <= 8 ? value : 1;
        }
        return 1;
    }

    private static int Read16(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private static long Read32(ReadOnlySpan<byte> bytes, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
