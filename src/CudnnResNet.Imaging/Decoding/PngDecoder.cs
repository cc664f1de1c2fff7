using System.Runtime.InteropServices;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>
/// PNG to upright RGB through libpng: palettes and grey are expanded, 16 bits rounded to 8, and transparency is left out as
/// Pillow's convert("RGB") does. Colour profiles and gamma are ignored, also as Pillow. Not for two threads at once.
/// </summary>
internal sealed unsafe class PngDecoder : IDisposable
{
    private readonly ByteStore _chunks = new();
    private readonly ByteStore _rgba = new();

    /// <exception cref="ResNetException">libpng16 is not there.</exception>
    public PngDecoder() => ImagingLibraries.Require(ImagingLibraries.Png, "reading PNG");

    public static bool Recognises(ReadOnlySpan<byte> file) => file.StartsWith(PngChunks.Signature);

    /// <inheritdoc cref="JpegDecoder.Measure"/>
    public (int Width, int Height) Measure(ReadOnlySpan<byte> file, string name, DecodeLimits limits)
    {
        PngHeader header = PngChunks.KeepPixels(file, name, new Span<byte>(_chunks.Reserve(file.Length), file.Length));
        limits.Check(name, header.Width, header.Height);
        (int width, int height) = ((int)header.Width, (int)header.Height);
        return header.Orientation >= 5 ? (height, width) : (width, height);
    }

    /// <inheritdoc cref="JpegDecoder.Decode"/>
    public void Decode(ReadOnlySpan<byte> file, string name, DecodeLimits limits, PixelBuffer pixels)
    {
        byte* kept = _chunks.Reserve(file.Length);
        PngHeader header = PngChunks.KeepPixels(file, name, new Span<byte>(kept, file.Length));
        limits.Check(name, header.Width, header.Height);
        (int width, int height) = ((int)header.Width, (int)header.Height);
        byte* rgba = _rgba.Reserve((long)width * height * 4);
        png_image image = new() { version = Png16.PNG_IMAGE_VERSION };
        try
        {
            if (Png16.png_image_begin_read_from_memory(&image, kept, (nuint)header.KeptBytes) == 0)
                throw Unreadable(name, image);
            image.format = Png16.PNG_FORMAT_RGBA;
            image.flags |= Png16.PNG_IMAGE_FLAG_16BIT_sRGB;
            if (image.width != header.Width || image.height != header.Height)
                throw Unreadable(name, image);
            if (Png16.png_image_finish_read(&image, null, rgba, width * 4, null) == 0)
                throw Unreadable(name, image);
        }
        finally
        {
            Png16.png_image_free(&image);
        }
        byte* rgb = pixels.Resize(width, height);
        for (long i = (long)width * height; i > 0; i--, rgba += 4, rgb += 3)
            (rgb[0], rgb[1], rgb[2]) = (rgba[0], rgba[1], rgba[2]);
        pixels.Upright(header.Orientation);
    }

    public void Dispose()
    {
        _chunks.Dispose();
        _rgba.Dispose();
    }

    private static DamagedImageException Unreadable(string name, png_image image)
    {
        string reason = Marshal.PtrToStringUTF8((nint)(&image.message)) is { Length: > 0 } text ? text : "no reason given";
        return new DamagedImageException($"{name}: not a readable PNG file: {reason.ReplaceLineEndings(" ")}; copy or export it again");
    }
}
