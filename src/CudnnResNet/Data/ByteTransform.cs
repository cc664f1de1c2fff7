namespace CudnnResNet.Data;

/// <summary>Crop and flip of one image as bytes: <see cref="ImageTransform"/> without its normalisation.</summary>
internal static class ByteTransform
{
    /// <summary>Pixel (row, column) of y is pixel (row + down, column + right) of x, zero outside of it; then each row is reversed where flipped.</summary>
    public static void Apply(ReadOnlySpan<byte> x, Span<byte> y, (int Height, int Width, int Channels) image, int down, int right, bool flip)
    {
        (int height, int width, int channels) = image;
        int rowBytes = width * channels;
        int first = Math.Clamp(-right, 0, width), end = Math.Clamp(width - right, first, width);
        for (int row = 0; row < height; row++)
        {
            Span<byte> to = y.Slice(row * rowBytes, rowBytes);
            if ((uint)(row + down) >= (uint)height)
            {
                to.Clear();
                continue;
            }
            ReadOnlySpan<byte> from = x.Slice((row + down) * rowBytes, rowBytes);
            to[..(first * channels)].Clear();
            from.Slice((first + right) * channels, (end - first) * channels).CopyTo(to[(first * channels)..]);
            to[(end * channels)..].Clear();
            if (flip)
                Reverse(to, channels);
        }
    }

    private static void Reverse(Span<byte> row, int channels)
    {
        for (int left = 0, right = row.Length - channels; left < right; left += channels, right -= channels)
            for (int c = 0; c < channels; c++)
                (row[left + c], row[right + c]) = (row[right + c], row[left + c]);
    }
}
