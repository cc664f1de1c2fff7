namespace CudnnResNet.Imaging.Decoding;

/// <summary>One image, uint8 [Height, Width, 3] in RGB order, in memory that the next image takes over.</summary>
internal sealed unsafe class PixelBuffer : IDisposable
{
    public const int Channels = 3;

    private ByteStore _pixels = new();
    private ByteStore _turned = new();

    public int Width { get; private set; }

    public int Height { get; private set; }

    public byte* Address => _pixels.Address;

    public int StrideBytes => Width * Channels;

    public ReadOnlySpan<byte> Pixels => new(Address, Height * StrideBytes);

    public PixelView View => new(Address, Width, Height, StrideBytes);

    /// <summary>Memory for an image of this size, to be filled.</summary>
    public byte* Resize(int width, int height)
    {
        (Width, Height) = (width, height);
        return _pixels.Reserve((long)width * height * Channels);
    }

    /// <summary>Turns and mirrors the image as EXIF's orientation says, so that it is upright.</summary>
    /// <param name="orientation">1 to 8, as TIFF 6.0 numbers them: 1 is upright.</param>
    public void Upright(int orientation)
    {
        if (orientation is <= 1 or > 8)
            return;
        bool swaps = orientation >= 5;
        (int width, int height) = swaps ? (Height, Width) : (Width, Height);
        byte* to = _turned.Reserve((long)width * height * Channels);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++, to += Channels)
            {
                (int sourceX, int sourceY) = orientation switch
                {
                    2 => (Width - 1 - x, y),
                    3 => (Width - 1 - x, Height - 1 - y),
                    4 => (x, Height - 1 - y),
                    5 => (y, x),
                    6 => (y, Height - 1 - x),
                    7 => (Width - 1 - y, Height - 1 - x),
                    _ => (Width - 1 - y, x),
                };
                byte* from = Address + (sourceY * Width + sourceX) * Channels;
                (to[0], to[1], to[2]) = (from[0], from[1], from[2]);
            }
        (_pixels, _turned) = (_turned, _pixels);
        (Width, Height) = (width, height);
    }

    public void Dispose()
    {
        _pixels.Dispose();
        _turned.Dispose();
    }
}
