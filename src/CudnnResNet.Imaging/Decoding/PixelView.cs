namespace CudnnResNet.Imaging.Decoding;

/// <summary>
/// Someone else's RGB pixels, uint8 [Height, Width, 3], with rows StrideBytes apart. Behind the last row
/// <see cref="ByteStore.SlackBytes"/> bytes must be readable.
/// </summary>
internal readonly unsafe struct PixelView(byte* address, int width, int height, int strideBytes)
{
    public byte* Address => address;

    public int Width => width;

    public int Height => height;

    public int StrideBytes => strideBytes;

    public PixelView Crop(int left, int top, int columns, int rows) =>
        new(address + (long)top * strideBytes + left * PixelBuffer.Channels, columns, rows, strideBytes);
}
