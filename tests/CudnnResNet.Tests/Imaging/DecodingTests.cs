using System.Buffers.Binary;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Tests.Imaging;

public class DecodingTests
{
    /// <summary>Pillow decodes with the same library; another version of it may round otherwise by one level.</summary>
    [ImagingTheory]
    [InlineData("baseline444.jpg")]
    [InlineData("baseline420.jpg")]
    [InlineData("baseline422.jpg")]
    [InlineData("progressive.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("ycck.jpg")]
    [InlineData("rgb.png")]
    [InlineData("grey.png")]
    [InlineData("palette.png")]
    [InlineData("palette_transparent.png")]
    [InlineData("bits1.png")]
    [InlineData("bits4.png")]
    [InlineData("rgba.png")]
    [InlineData("grey_alpha.png")]
    [InlineData("rgb16.png")]
    [InlineData("grey16.png")]
    [InlineData("interlaced.png")]
    [InlineData("gamma.png")]
    [InlineData("orientation6.png")]
    public void PixelsAreThoseThatPillowReads(string name) => Compare(name);

    [ImagingTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void ImagesAreTurnedUpright(int orientation) => Compare($"orientation{orientation}.jpg");

    [ImagingTheory]
    [InlineData(0, 1, 61, 43)]
    [InlineData(22, 1, 61, 43)]
    [InlineData(21, 2, 31, 22)]
    [InlineData(10, 4, 16, 11)]
    [InlineData(1, 8, 8, 6)]
    public void AJpegIsDecodedAtAFractionWhereThatIsEnough(int enough, int reduction, int width, int height)
    {
        Assert.Equal(reduction, JpegDecoder.Reduction(43, enough));
        using PixelBuffer pixels = new();
        ImageFixture.Decode("baseline420.jpg", pixels, reduction);
        Assert.Equal((width, height), (pixels.Width, pixels.Height));
        // A smooth part of the picture keeps its colour: the red of the middle column is half.
        Assert.InRange(pixels.Pixels[(height * 3 / 4 * width + width / 2) * 3], 100, 155);
    }

    [ImagingFact]
    public void OneDecoderReadsImagesOfAllKindsAndSizesByTurns()
    {
        using ImageDecoder decoder = new(DecodeLimits.Standard);
        using PixelBuffer pixels = new();
        foreach (string name in (string[])["rgb.png", "orientation5.jpg", "ycck.jpg", "grey16.png", "baseline420.jpg", "rgb.png"])
        {
            decoder.Decode(ImageFixture.Bytes(name), name, 1, pixels);
            ImageFixture.RequireEqual(ImageFixture.Expected(name).Pixels, pixels.Pixels);
        }
    }

    [ImagingTheory]
    [InlineData("baseline420.jpg", "Premature end")]
    [InlineData("rgb.png", "a chunk passes its end")]
    public void ATruncatedFileIsRefused(string name, string reason)
    {
        byte[] file = ImageFixture.Bytes(name);
        Assert.Contains(reason, Refusal(file[..(file.Length / 2)], DecodeLimits.Standard), StringComparison.Ordinal);
    }

    [ImagingFact]
    public void ADamagedPngIsRefused()
    {
        byte[] file = ImageFixture.Bytes("rgb.png");
        file[file.Length / 2] ^= 1;
        Assert.Contains("not a readable PNG file", Refusal(file, DecodeLimits.Standard), StringComparison.Ordinal);
    }

    /// <summary>libjpeg-turbo's decompressor keeps a bad Huffman table, and would refuse every file after it.</summary>
    [ImagingFact]
    public void ADamagedFileDoesNotSpoilTheNext()
    {
        using ImageDecoder decoder = new(DecodeLimits.Standard);
        using PixelBuffer pixels = new();
        byte[] bad = ImageFixture.Bytes("baseline420.jpg");
        int table = bad.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC4]);
        bad.AsSpan(table + 5, 16).Fill(255);
        Assert.Contains("Bogus Huffman table", Assert.Throws<DamagedImageException>(() => decoder.Decode(bad, "bad", 1, pixels)).Message, StringComparison.Ordinal);
        decoder.Decode(ImageFixture.Bytes("baseline420.jpg"), "good", 1, pixels);
        ImageFixture.RequireEqual(ImageFixture.Expected("baseline420.jpg").Pixels, pixels.Pixels);
    }

    [ImagingFact]
    public void WhatIsNoImageIsRefused()
    {
        Assert.Contains("neither a JPEG nor a PNG", Refusal([], DecodeLimits.Standard), StringComparison.Ordinal);
        Assert.Contains("neither a JPEG nor a PNG", Refusal("GIF89a"u8.ToArray(), DecodeLimits.Standard), StringComparison.Ordinal);
    }

    /// <summary>A file of some bytes that claims billions of pixels is refused before memory is taken for them.</summary>
    [ImagingFact]
    public void ABombIsRefusedByItsHeader()
    {
        byte[] png = ImageFixture.Bytes("rgb.png");
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(16), 500_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(20), 500_000);
        Assert.Contains("500000 x 500000 pixels passes the limit", Refusal(png, DecodeLimits.Standard), StringComparison.Ordinal);

        byte[] jpeg = ImageFixture.Bytes("baseline444.jpg");
        int frame = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 5), 65_000);
        BinaryPrimitives.WriteUInt16BigEndian(jpeg.AsSpan(frame + 7), 65_000);
        Assert.Contains("65000 x 65000 pixels passes the limit", Refusal(jpeg, DecodeLimits.Standard), StringComparison.Ordinal);
        Assert.Contains("61 x 43 pixels passes the limit of 2000",
            Refusal(ImageFixture.Bytes("grey.png"), new DecodeLimits(MaxPixels: 2000)), StringComparison.Ordinal);
    }

    [ImagingFact]
    public void AProgressiveJpegOfTooManyScansIsRefused()
    {
        byte[] file = ImageFixture.Bytes("progressive.jpg");
        int scan = file.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] last = file[scan..^2];
        byte[] bomb = [.. file[..scan], .. Enumerable.Repeat(last, 600).SelectMany(bytes => bytes), 0xFF, 0xD9];
        Assert.Contains("not a readable JPEG file", Refusal(bomb, DecodeLimits.Standard), StringComparison.Ordinal);
    }

    private static void Compare(string name)
    {
        using PixelBuffer pixels = new();
        ImageFixture.Decode(name, pixels);
        (byte[] expected, int width, int height) = ImageFixture.Expected(name);
        Assert.Equal((width, height), (pixels.Width, pixels.Height));
        ImageFixture.RequireEqual(expected, pixels.Pixels);
    }

    private static string Refusal(byte[] file, DecodeLimits limits)
    {
        using ImageDecoder decoder = new(limits);
        using PixelBuffer pixels = new();
        return Assert.Throws<DamagedImageException>(() => decoder.Decode(file, "file", 1, pixels)).Message;
    }

    /// <summary>One decoder for a file that is cut anywhere in its header, and then for whole ones.</summary>
    [ImagingFact]
    public void ABrokenFileSpoilsNoOther()
    {
        byte[] broken = ImageFixture.Bytes("baseline420.jpg"), whole = ImageFixture.Bytes("baseline444.jpg");
        using ImageDecoder decoder = new(DecodeLimits.Standard);
        using PixelBuffer pixels = new();
        decoder.Decode(whole, "whole", 1, pixels);
        byte[] expected = pixels.Pixels.ToArray();
        int refused = 0;
        for (int length = 4; length < 700; length += 7)
        {
            byte[] cut = [.. broken[..length], 0xFF, 0xD9];
            refused += Record.Exception(() => decoder.Measure(cut, "cut")) is DamagedImageException ? 1 : 0;
            Record.Exception(() => decoder.Decode(cut, "cut", 1, pixels));
            decoder.Decode(whole, "whole", 1, pixels);
            Assert.True(expected.AsSpan().SequenceEqual(pixels.Pixels), $"behind a file cut at {length}");
        }
        Assert.InRange(refused, 50, 100);
    }
}
