using System.Buffers.Binary;
using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>What a PNG file says of its image.</summary>
/// <param name="KeptBytes">Of the file that holds only what makes pixels.</param>
/// <param name="Orientation">As EXIF numbers it.</param>
internal readonly record struct PngHeader(uint Width, uint Height, int KeptBytes, int Orientation);

/// <summary>
/// The chunks of a PNG file (W3C PNG, third edition, section 5). Only those that make pixels go on to libpng: profiles and
/// texts are compressed and would only be room for harm, and gamma would be applied.
/// </summary>
internal static class PngChunks
{
    /// <summary>Length, type and checksum.</summary>
    private const int FrameBytes = 12;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <param name="file">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <param name="kept">Receives signature and chunks; as long as the file.</param>
    /// <exception cref="DamagedImageException">No image header, or a chunk that passes the file's end.</exception>
    public static PngHeader KeepPixels(ReadOnlySpan<byte> file, string name, Span<byte> kept)
    {
        if (!file.StartsWith(Signature))
            throw Bad(name, "it does not start with PNG's signature");
        Signature.CopyTo(kept);
        PngHeader header = new(0, 0, Signature.Length, 1);
        int at = Signature.Length;
        bool isWhole = false;
        while (!isWhole)
        {
            if (file.Length - at < FrameBytes)
                throw Bad(name, "it ends before its end chunk");
            uint length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            if (length > file.Length - at - FrameBytes)
                throw Bad(name, "a chunk passes its end");
            ReadOnlySpan<byte> type = file.Slice(at + 4, 4);
            ReadOnlySpan<byte> content = file.Slice(at + 8, (int)length);
            if (at == Signature.Length)
            {
                if (!type.SequenceEqual("IHDR"u8) || length < 8)
                    throw Bad(name, "its first chunk is no image header");
                header = header with
                {
                    Width = BinaryPrimitives.ReadUInt32BigEndian(content),
                    Height = BinaryPrimitives.ReadUInt32BigEndian(content[4..]),
                };
            }
            if (type.SequenceEqual("eXIf"u8))
                header = header with { Orientation = ExifOrientation.OfTiff(content) };
            bool isCritical = (type[0] & 0x20) == 0;
            int whole = FrameBytes + (int)length;
            if (isCritical || type.SequenceEqual("tRNS"u8))
            {
                file.Slice(at, whole).CopyTo(kept[header.KeptBytes..]);
                header = header with { KeptBytes = header.KeptBytes + whole };
            }
            isWhole = type.SequenceEqual("IEND"u8);
            at += whole;
        }
        return header;
    }

    private static DamagedImageException Bad(string name, string problem) =>
        new($"{name}: not a readable PNG file: {problem}; copy or export it again");
}
