using CudnnResNet.Imaging.Decoding;

namespace CudnnResNet.Imaging.Resampling;

/// <summary>Which part of a resized image is made.</summary>
/// <param name="WholeWidth">Columns that the whole source becomes.</param>
/// <param name="WholeHeight">Rows that the whole source becomes.</param>
/// <param name="Left">The first column to make.</param>
/// <param name="Top">The first row to make.</param>
/// <param name="Width">Columns to make.</param>
/// <param name="Height">Rows to make.</param>
internal readonly record struct ResizeRegion(int WholeWidth, int WholeHeight, int Left, int Top, int Width, int Height)
{
    public static ResizeRegion All(int width, int height) => new(width, height, 0, 0, width, height);
}

/// <summary>
/// Antialiased resize in two passes, first along rows, then along columns, with 8 bits between them, as Pillow. Keeps its
/// tables and memory for the next image; not for two threads at once.
/// </summary>
internal sealed unsafe class Resampler : IDisposable
{
    private readonly ResampleAxis _horizontal = new();
    private readonly ResampleAxis _vertical = new();
    private readonly ByteStore _rows = new();

    /// <param name="source">The pixels.</param>
    /// <param name="region">The size, and the part to make.</param>
    /// <param name="to">Receives [region.Height, region.Width, 3].</param>
    /// <param name="toStride">Bytes from row to row of it.</param>
    /// <param name="filter">The kernel.</param>
    /// <param name="mirrored">Swap left and right.</param>
    public void Resize(PixelView source, ResizeRegion region, byte* to, int toStride, ResampleFilter filter, bool mirrored = false)
    {
        _horizontal.Prepare(source.Width, region.WholeWidth, region.Left, region.Width, filter, mirrored);
        _vertical.Prepare(source.Height, region.WholeHeight, region.Top, region.Height, filter, mirrored: false);
        (int first, int end) = _vertical.SourceRange();
        int rowBytes = region.Width * PixelBuffer.Channels;
        int rowStride = (rowBytes + 64) / 64 * 64;
        byte* rows = _rows.Reserve((long)(end - first) * rowStride);
        RowPass.Run(source.Crop(0, first, source.Width, end - first), _horizontal, rows, rowStride);
        ColumnPass.Run(rows, first, rowStride, rowBytes, _vertical, to, toStride);
    }

    public void Dispose() => _rows.Dispose();
}
