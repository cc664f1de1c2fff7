using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>JPEG or PNG, told apart by their first bytes, to upright RGB. Not for two threads at once.</summary>
internal sealed class ImageDecoder(DecodeLimits limits) : IDisposable
{
    private JpegDecoder? _jpeg;
    private PngDecoder? _png;

    /// <inheritdoc cref="JpegDecoder.Decode"/>
    public void Decode(ReadOnlySpan<byte> file, string name, int enough, PixelBuffer pixels)
    {
        if (JpegDecoder.Recognises(file))
            (_jpeg ??= new JpegDecoder()).Decode(file, name, limits, enough, pixels);
        else if (PngDecoder.Recognises(file))
            (_png ??= new PngDecoder()).Decode(file, name, limits, pixels);
        else
            throw new DamagedImageException($"{name}: neither a JPEG nor a PNG file; convert it to one of them");
    }

    public void Dispose()
    {
        _jpeg?.Dispose();
        _png?.Dispose();
    }
}
