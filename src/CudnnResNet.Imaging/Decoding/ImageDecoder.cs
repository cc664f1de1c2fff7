using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>JPEG or PNG, told apart by their first bytes, to upright RGB. Not for two threads at once.</summary>
internal sealed class ImageDecoder(DecodeLimits limits) : IDisposable
{
    private JpegDecoder? _jpeg;
    private PngDecoder? _png;
    private readonly JpegPartDecoder _part = new();

    /// <inheritdoc cref="JpegDecoder.Measure"/>
    public (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name) =>
        JpegDecoder.Recognises(file) ? (_jpeg ??= new JpegDecoder()).Measure(file, name, limits)
        : PngDecoder.Recognises(file) ? (_png ??= new PngDecoder()).Measure(file, name, limits)
        : throw Unknown(name);

    /// <summary>The size of a JPEG that any decoder makes the same image of; null of any other file.</summary>
    /// <inheritdoc cref="JpegDecoder.Measure"/>
    public (int Width, int Height)? MeasurePlainJpeg(ReadOnlySpan<byte> file, string name) =>
        JpegDecoder.Recognises(file) ? (_jpeg ??= new JpegDecoder()).MeasurePlain(file, name, limits) : null;

    /// <summary>Only JPEG is decoded smaller.</summary>
    /// <inheritdoc cref="JpegDecoder.Decode"/>
    public void Decode(ReadOnlySpan<byte> file, string name, int reduction, PixelBuffer pixels)
    {
        if (JpegDecoder.Recognises(file))
            (_jpeg ??= new JpegDecoder()).Decode(file, name, limits, reduction, pixels);
        else if (PngDecoder.Recognises(file))
            (_png ??= new PngDecoder()).Decode(file, name, limits, pixels);
        else
            throw Unknown(name);
    }

    /// <summary>Decodes what a crop shows; where that part alone cannot be decoded, everything.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">For messages.</param>
    /// <param name="size">Of the upright image, as measured.</param>
    /// <param name="crop">A part of it.</param>
    /// <param name="reduction">As <see cref="Decode"/>.</param>
    /// <param name="pixels">Receives the image, or what there is of it.</param>
    /// <returns>Where the crop is in the pixels.</returns>
    /// <exception cref="DamagedImageException">Damaged, truncated, or past the limits.</exception>
    public CropWindow DecodePart(ReadOnlySpan<byte> file, string name, (int Width, int Height) size, CropWindow crop, int reduction, PixelBuffer pixels)
    {
        CropWindow reduced = crop.Reduced(reduction);
        if (JpegDecoder.Recognises(file) && ExifOrientation.OfJpeg(file) == 1
            && _part.TryDecode(file, reduction, (size.Width + reduction - 1) / reduction, reduced, pixels) is { } within)
            return within;
        Decode(file, name, reduction, pixels);
        return reduced;
    }

    private static DamagedImageException Unknown(string name) =>
        new($"{name}: neither a JPEG nor a PNG file; convert it to one of them");

    public void Dispose()
    {
        _jpeg?.Dispose();
        _png?.Dispose();
        _part.Dispose();
    }
}
