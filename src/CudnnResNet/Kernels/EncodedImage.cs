namespace CudnnResNet.Kernels;

/// <summary>A part of an image, and how it becomes an image of a batch; pixels around the part do not count.</summary>
/// <param name="Left">The part's first column.</param>
/// <param name="Top">The part's first row.</param>
/// <param name="Width">Columns of the part.</param>
/// <param name="Height">Rows of the part.</param>
/// <param name="WholeWidth">Columns that the part is scaled to, antialiased and bilinear.</param>
/// <param name="WholeHeight">Rows that the part is scaled to.</param>
/// <param name="From">The first column and row of the scaled part that are made.</param>
/// <param name="To">Where they go; what is around them is black.</param>
/// <param name="Columns">How many columns are made.</param>
/// <param name="Rows">How many rows are made.</param>
/// <param name="IsMirrored">The columns are made in reverse order.</param>
public readonly record struct ImagePlacement(int Left, int Top, int Width, int Height, int WholeWidth, int WholeHeight,
    (int Column, int Row) From, (int Column, int Row) To, int Columns, int Rows, bool IsMirrored)
{
    /// <summary>The scaling may leave the antialiasing out: training's, of which nobody expects published numbers.</summary>
    public bool MayAlias { get; init; }

    /// <summary>A part that fills the image.</summary>
    public static ImagePlacement Filling(int left, int top, int width, int height, int toWidth, int toHeight, bool isMirrored) =>
        new(left, top, width, height, toWidth, toHeight, (0, 0), (0, 0), toWidth, toHeight, isMirrored);
}

/// <summary>
/// A slot of a batch that is not decoded: a JPEG file, or the pixels of one that only the host reads. The memory is kept for
/// the next image, and does not move.
/// </summary>
public sealed class EncodedImage
{
    private byte[] _memory = [];

    /// <summary>The file, or RGB pixels [Height, Width, 3].</summary>
    public ReadOnlySpan<byte> Bytes => _memory.AsSpan(0, Length);

    public int Length { get; private set; }

    /// <summary>A JPEG of one or three components, and not pixels.</summary>
    public bool IsFile { get; private set; }

    /// <summary>Columns of the whole image.</summary>
    public int Width { get; private set; }

    /// <summary>Rows of the whole image.</summary>
    public int Height { get; private set; }

    public ImagePlacement Placement { get; private set; }

    public void SetFile(ReadOnlySpan<byte> file, int width, int height, ImagePlacement placement)
    {
        file.CopyTo(Reserve(file.Length));
        (IsFile, Width, Height, Placement) = (true, width, height, placement);
    }

    /// <summary>An image that is as large as the batch's.</summary>
    /// <returns>Memory for its pixels, to be filled.</returns>
    public Span<byte> SetPixels(int width, int height)
    {
        (IsFile, Width, Height) = (false, width, height);
        Placement = ImagePlacement.Filling(0, 0, width, height, width, height, isMirrored: false);
        return Reserve(3 * width * height);
    }

    internal void SetTo(EncodedImage other)
    {
        other.Bytes.CopyTo(Reserve(other.Length));
        (IsFile, Width, Height, Placement) = (other.IsFile, other.Width, other.Height, other.Placement);
    }

    private Span<byte> Reserve(int bytes)
    {
        // Grown by halves more, so that after some batches nothing is allocated.
        if (_memory.Length < bytes)
            _memory = GC.AllocateUninitializedArray<byte>(checked(bytes + bytes / 2), pinned: true);
        Length = bytes;
        return _memory.AsSpan(0, bytes);
    }
}
