using CudnnResNet.Reporting;

namespace CudnnResNet.Tests.Reporting;

public class PngWriterTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(28, 28, 1)]
    [InlineData(7, 300, 1)]
    [InlineData(33, 17, 3)]
    [InlineData(1, 2, 3)]
    public void A_decoder_recovers_the_pixels(int height, int width, int channels)
    {
        // Noise, a flat area and a slope, so that different rows prefer different filters.
        var random = new Random(height * width * channels);
        byte[] pixels = new byte[height * width * channels];
        for (int i = 0; i < pixels.Length; i++)
        {
            int row = i / (width * channels);
            pixels[i] = (row % 3) switch { 0 => (byte)random.Next(256), 1 => 200, _ => (byte)((i * 3) + row) };
        }

        (byte[] decoded, int h, int w, int c) = PngDecoder.Decode(PngWriter.Encode(pixels, height, width, channels));

        Assert.Equal((height, width, channels), (h, w, c));
        Assert.Equal(pixels, decoded);
    }

    [Fact]
    public void The_file_ends_with_the_chunk_every_png_ends_with()
    {
        byte[] png = PngWriter.Encode([7], 1, 1, 1);

        // The empty IEND chunk and its CRC, as printed in the PNG standard's examples.
        Assert.Equal([0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82], png[^12..]);
    }

    [Fact]
    public void A_smooth_picture_shrinks()
    {
        byte[] pixels = new byte[128 * 128];
        for (int i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i % 128) + (i / 128));

        Assert.True(PngWriter.Encode(pixels, 128, 128, 1).Length < pixels.Length / 20);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.Throws<ArgumentException>(() => PngWriter.Encode(new byte[5], 2, 3, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => PngWriter.Encode(new byte[8], 2, 2, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => PngWriter.Encode([], 0, 3, 1));
    }
}
