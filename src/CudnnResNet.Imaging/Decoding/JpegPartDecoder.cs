using CudnnResNet.Imaging.Interop;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>
/// Decodes only what a crop shows of a JPEG: rows below it are not even read. The pixels are those of the whole image, byte
/// for byte. Optional: where its library is missing or it does not know an image, the whole image is decoded. Not for two
/// threads at once.
/// </summary>
internal sealed unsafe class JpegPartDecoder : IDisposable
{
    /// <summary>Blocks begin at multiples of up to 32 columns, and end as late.</summary>
    private const int BlockColumns = 64;

    private JpegRegionHandle? _handle;

    public static bool IsAvailable => ImagingLibraries.Table.TryLoad(ImagingLibraries.JpegPart) is not null;

    /// <param name="file">An upright image.</param>
    /// <param name="reduction">Decode at 1 / reduction of the size.</param>
    /// <param name="width">Columns of the image at that size.</param>
    /// <param name="crop">The part of the image at that size.</param>
    /// <param name="pixels">Receives the rows of the part, with some more columns.</param>
    /// <returns>Where the part is in the pixels; null where the image must be decoded whole.</returns>
    public CropWindow? TryDecode(ReadOnlySpan<byte> file, int reduction, int width, CropWindow crop, PixelBuffer pixels)
    {
        if (!IsAvailable)
            return null;
        _handle ??= JpegRegion.crn_jpeg_open();
        if (_handle.IsInvalid)
            return null;
        // The chroma of a column is smoothed with its neighbours'.
        int left = Math.Max(0, crop.Left - 1);
        int columns = Math.Min(width, crop.Left + crop.Width + 1) - left;
        int room = columns + BlockColumns;
        byte* rgb = pixels.Resize(room, crop.Height);
        int done;
        fixed (byte* bytes = file)
            done = JpegRegion.crn_jpeg_decode(_handle, bytes, (nuint)file.Length, reduction, &left, &columns,
                crop.Top, crop.Height, rgb, (nuint)room * (nuint)crop.Height * PixelBuffer.Channels);
        if (done < 0)
        {
            _handle.Dispose();
            _handle = null;
        }
        if (done <= 0)
            return null;
        pixels.Resize(columns, crop.Height);
        return new CropWindow(crop.Left - left, 0, crop.Width, crop.Height);
    }

    public void Dispose() => _handle?.Dispose();
}
