namespace CudnnResNet.Reporting;

/// <summary>Small copies of pictures.</summary>
internal static class Thumbnail
{
    /// <summary>The picture as PNG; one with a side above <paramref name="mostPixels"/> is shrunk.</summary>
    internal static byte[] Encode(ClassifiedImage image, int mostPixels)
    {
        (int height, int width, byte[] pixels) =
            Shrink(image.PixelsRgbOrGray.Span, image.Height, image.Width, image.Channels, mostPixels);
        return PngWriter.Encode(pixels, height, width, image.Channels);
    }

    /// <summary>Averages areas so that the longer side has at most <paramref name="mostPixels"/>.</summary>
    internal static (int Height, int Width, byte[] Pixels) Shrink(
        ReadOnlySpan<byte> pixels, int height, int width, int channels, int mostPixels)
    {
        int longest = Math.Max(height, width);
        if (longest <= mostPixels)
            return (height, width, pixels.ToArray());
        int rows = Math.Max(1, height * mostPixels / longest);
        int columns = Math.Max(1, width * mostPixels / longest);
        byte[] shrunk = new byte[rows * columns * channels];
        for (int y = 0; y < rows; y++)
        {
            (int top, int bottom) = (y * height / rows, (y + 1) * height / rows);
            for (int x = 0; x < columns; x++)
            {
                (int left, int right) = (x * width / columns, (x + 1) * width / columns);
                for (int c = 0; c < channels; c++)
                    shrunk[(((y * columns) + x) * channels) + c] = Mean(pixels, (top, bottom), (left, right), c, (width, channels));
            }
        }

        return (rows, columns, shrunk);
    }

    private static byte Mean(
        ReadOnlySpan<byte> pixels, (int From, int To) rows, (int From, int To) columns, int channel, (int Width, int Channels) layout)
    {
        long sum = 0;
        for (int y = rows.From; y < rows.To; y++)
        {
            for (int x = columns.From; x < columns.To; x++)
                sum += pixels[(((y * layout.Width) + x) * layout.Channels) + channel];
        }

        int area = (rows.To - rows.From) * (columns.To - columns.From);
        return (byte)((sum + (area / 2)) / area);
    }
}
