using System.IO.Compression;
using System.Text;

using CudnnResNet.Data;

namespace CudnnResNet.Tests.Data;

public class GzipReaderTests
{
    [Fact]
    public void TheCrcIsThatOfItsDefinition()
    {
        // The check value of CRC-32/ISO-HDLC in Cook's catalogue of CRC algorithms.
        var crc = new Crc32();
        Assert.Equal(0u, crc.Value);
        crc.Append("1234"u8);
        crc.Append("56789"u8);
        Assert.Equal(0xCBF43926u, crc.Value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8191)]
    [InlineData(200_000)]
    public void UnpacksWhatWasPackedAtEveryLevel(int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content.AsSpan(0, length / 2));
        foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>())
        {
            byte[] file = Pack(content, level);
            Assert.Equal(content, Unpack(file, length));
            AssertRefused(file, length + 1, "unpacked less");
            if (length > 0)
                AssertRefused(file, length - 1, "unpacks to more than");
        }
    }

    [Fact]
    public void EveryChangedByteIsRefusedOrChangesNothing()
    {
        byte[] content = Encoding.ASCII.GetBytes("Hold the door. Hold the door. Hodor.");
        byte[] file = Pack(content, CompressionLevel.Optimal);
        for (int at = 0; at < file.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                byte[] changed = [.. file];
                changed[at] ^= (byte)(1 << bit);
                try
                {
                    Assert.Equal(content, Unpack(changed, content.Length));
                    // Around the body RFC 1952 leaves unchecked only the text flag, time, extra flags and system; inside of
                    // it another match or padding bit may give the same content.
                    bool unchecked1952 = at is >= 4 and < 10 || (at == 3 && bit == 0);
                    Assert.True(unchecked1952 || (at >= 10 && at < file.Length - 8), $"byte {at}, bit {bit}");
                }
                catch (ResNetException)
                {
                }
            }
        }
    }

    [Fact]
    public void WhatFollowsIsRefused()
    {
        byte[] content = Encoding.ASCII.GetBytes("some content, some content");
        byte[] file = Pack(content, CompressionLevel.Optimal);
        AssertRefused([.. file, 0], content.Length, "something follows");
        AssertRefused([.. file, .. file], content.Length, "something follows");
        // Junk hidden before a trailer that is right.
        AssertRefused([.. file[..^8], 1, 2, 3, .. file[^8..]], content.Length, "something follows");
        AssertRefused([.. file[..^8], 0, .. file[^8..]], content.Length, "something follows");
        // The body cut, before a trailer that is right.
        AssertRefused([.. file[..^9], .. file[^8..]], content.Length, "truncated");
    }

    [Fact]
    public void OptionalHeaderFieldsAreSkippedAndChecked()
    {
        byte[] content = [1, 2, 3];
        byte[] plain = Pack(content, CompressionLevel.Optimal);
        byte[] fields = [0x1F, 0x8B, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 255, 3, 0, 9, 9, 9, .. "name\0"u8, .. "comment\0"u8];
        var crc = new Crc32();
        crc.Append(fields);
        byte[] file = [.. fields, (byte)crc.Value, (byte)(crc.Value >> 8), .. plain[10..]];
        Assert.Equal(content, Unpack(file, 3));
        file[fields.Length] ^= 1;
        AssertRefused(file, 3, "header's checksum is wrong");
        for (int length = 0; length < fields.Length + 2; length++)
            AssertRefused(file[..length], 3, "");
        AssertRefused([0x1F, 0x8B, 7, 0, .. plain[4..]], 3, "method is 7");
        AssertRefused([0x1F, 0x8B, 8, 0x80, .. plain[4..]], 3, "flags are 128");
    }

    private static byte[] Unpack(byte[] file, int length)
    {
        using var gzip = new GzipReader(file, "f.gz");
        var content = new byte[length];
        if (gzip.Read(content) < length)
            throw new ResNetException("f.gz: unpacked less");
        gzip.Finish();
        return content;
    }

    private static void AssertRefused(byte[] file, int length, string reason) =>
        Assert.Contains(reason, Assert.Throws<ResNetException>(() => Unpack(file, length)).Message);

    private static byte[] Pack(byte[] content, CompressionLevel level)
    {
        var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, level))
            gzip.Write(content);
        // .NET packs nothing into nothing; gzip has a body even so.
        byte[] file = packed.ToArray();
        return file.Length > 0 ? file : [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    }
}
