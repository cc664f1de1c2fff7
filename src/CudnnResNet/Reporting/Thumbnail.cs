namespace CudnnResNet.Reporting;

/// <summary>Small copies of pictures.</summary>
internal static class Thumbnail
{
    /// <summary>The picture as PNG; one with a side above <paramref name="mostPixels"/> is shrunk by averaging areas.</summary>
    internal static byte[] Encode(ClassifiedImage image, int mostPixels)
    {
        ReadOnlySpan<byte> pixels = image.PixelsRgbOrGray.Span;
        int longest = Math.Max(image.Height, image.Width);
        if (longest <= mostPixels)
            return PngWriter.Encode(pixels, image.Height, image.Width, image.Channels);
        int height = Math.Max(1, image.Height * mostPixels / longest);
        int width = Math.Max(1, image.Width * mostPixels / longest);
        byte[] shrunk = new byte[height * width * image.Channels];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < image.Channels; c++)
                    shrunk[(((y * width) + x) * image.Channels) + c] = Mean(pixels, image, (y, height), (x, width), c);
            }
        }

        return PngWriter.Encode(shrunk, height, width, image.Channels);
    }

    private static byte Mean(ReadOnlySpan<byte> pixels, ClassifiedImage image, (int At, int Of) row, (int At, int Of) column, int channel)
    {
        int top = row.At * image.Height / row.Of;
        int bottom = (row.At + 1) * image.Height / row.Of;
        int left = column.At * image.Width / column.Of;
        int right = (column.At + 1) * image.Width / column.Of;
        long sum = 0;
        for (int y = top; y < bottom; y++)
        {
            for (int x = left; x < right; x++)
                sum += pixels[(((y * image.Width) + x) * image.Channels) + channel];
        }

        int area = (bottom - top) * (right - left);
        return (byte)((sum + (area / 2)) / area);
    }
}
