using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CudnnResNet.Tests.Reporting;

/// <summary>A strict reader of 8-bit grey and RGB PNG files, written from the standard alone: the check on our encoder.</summary>
internal static class PngDecoder
{
    internal static (byte[] Pixels, int Height, int Width, int Channels) Decode(byte[] png)
    {
        Assert.Equal([137, 80, 78, 71, 13, 10, 26, 10], png[..8]);
        byte[] header = [];
        using var data = new MemoryStream();
        List<string> types = [];
        for (int at = 8; at < png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            ReadOnlySpan<byte> typeAndData = png.AsSpan(at + 4, 4 + length);
            Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at + 8 + length)), Crc32(typeAndData));
            types.Add(Encoding.ASCII.GetString(typeAndData[..4]));
            if (types[^1] == "IHDR")
                header = typeAndData[4..].ToArray();
            else if (types[^1] == "IDAT")
                data.Write(typeAndData[4..]);
            at += 12 + length;
        }

        Assert.Equal(["IHDR", "IDAT", "IEND"], types);
        int width = BinaryPrimitives.ReadInt32BigEndian(header);
        int height = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4));
        Assert.Equal(8, header[8]);
        int channels = header[9] switch { 0 => 1, 2 => 3, _ => throw new InvalidDataException("colour type") };
        Assert.Equal([0, 0, 0], header[10..]);
        data.Position = 0;
        return (Unfilter(data, height, width * channels, channels), height, width, channels);
    }

    private static byte[] Unfilter(MemoryStream data, int height, int rowBytes, int pixelBytes)
    {
        using var zlib = new ZLibStream(data, CompressionMode.Decompress);
        byte[] pixels = new byte[height * rowBytes];
        byte[] row = new byte[rowBytes + 1];
        for (int y = 0; y < height; y++)
        {
            zlib.ReadExactly(row);
            for (int i = 0; i < rowBytes; i++)
            {
                int left = i >= pixelBytes ? pixels[(y * rowBytes) + i - pixelBytes] : 0;
                int up = y > 0 ? pixels[((y - 1) * rowBytes) + i] : 0;
                int upLeft = y > 0 && i >= pixelBytes ? pixels[((y - 1) * rowBytes) + i - pixelBytes] : 0;
                pixels[(y * rowBytes) + i] = (byte)(row[i + 1] + row[0] switch
                {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => (left + up) >> 1,
                    4 => new[] { left, up, upLeft }.MinBy(candidate => Math.Abs(left + up - upLeft - candidate)),
                    _ => throw new InvalidDataException("filter"),
                });
            }
        }

        Assert.Equal(-1, zlib.ReadByte());
        return pixels;
    }

    // Bit by bit as polynomial division with the generator in its unreflected form, 0x04C11DB7: no table shared with ours.
    private static uint Crc32(ReadOnlySpan<byte> data)
    {
        uint remainder = uint.MaxValue;
        foreach (byte value in data)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                uint feedback = (remainder >> 31) ^ (uint)((value >> bit) & 1);
                remainder = (remainder << 1) ^ (feedback * 0x04C11DB7u);
            }
        }

        uint reflected = 0;
        for (int bit = 0; bit < 32; bit++)
            reflected |= ((remainder >> bit) & 1) << (31 - bit);
        return ~reflected;
    }
}
