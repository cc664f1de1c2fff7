using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Imaging;

/// <summary>
/// Square images in memory, of one channel or three, that can be had in other sizes: scaled antialiased and bilinear as image files are,
/// all at once and before they are augmented.
/// </summary>
public sealed class ResizableByteImages : IByteImages, IResizableImages
{
    private readonly ByteImageSet _images;

    private ResizableByteImages(ByteImageSet images) => _images = images;

    public string Name => _images.Name;

    public int Count => _images.Count;

    public int Height => _images.Height;

    public int Width => _images.Width;

    public int Channels => _images.Channels;

    public int ClassCount => _images.ClassCount;

    public IReadOnlyList<string> ClassNames => _images.ClassNames;

    /// <summary>The set, so that it can be resized; as it was where it is none of square images of bytes.</summary>
    public static IDataSet Of(IDataSet set) =>
        set is ByteImageSet { Channels: 1 or PixelBuffer.Channels } images && images.Height == images.Width ? new ResizableByteImages(images) : set;

    public int Label(int index) => _images.Label(index);

    public void ReadImage(int index, Span<float> nhwc) => _images.ReadImage(index, nhwc);

    public void ReadBytes(int index, Span<byte> hwc) => _images.ReadBytes(index, hwc);

    public IDataSet WithSize(int side)
    {
        if (side == Height)
            return _images;
        if (side < 1 || (Int128)side * side * Channels * Count > Array.MaxLength)
            throw new ResNetException($"{Name}: {Count} images of {side} x {side} x {Channels} are held in memory at once, and cannot be; give a size from 1 on, and a smaller one");
        int elements = side * side * Channels;
        byte[] nhwc = new byte[elements * Count];
        Parallel.For(0, Count, () => new Workspace(), (image, _, workspace) =>
        {
            workspace.Resize(_images.ReadBytes(image), Height, nhwc.AsSpan(image * elements, elements), side);
            return workspace;
        }, workspace => workspace.Dispose());
        int[] labels = new int[Count];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = Label(i);
        return new ByteImageSet(Name, nhwc, (side, side, Channels), labels, ClassNames);
    }

    /// <summary>Of one thread.</summary>
    private sealed unsafe class Workspace : IDisposable
    {
        private readonly PixelBuffer _from = new();
        private readonly PixelBuffer _to = new();
        private readonly Resampler _resampler = new();

        public void Resize(ReadOnlySpan<byte> image, int fromSide, Span<byte> resized, int side)
        {
            Span<byte> source = new(_from.Resize(fromSide, fromSide), fromSide * fromSide * PixelBuffer.Channels);
            // The resampler knows pixels of three channels; each is scaled by itself.
            int copies = source.Length / image.Length;
            for (int i = 0; i < image.Length; i++)
                source.Slice(i * copies, copies).Fill(image[i]);
            _resampler.Resize(_from.View, ResizeRegion.All(side, side), _to.Resize(side, side), side * PixelBuffer.Channels, ResampleFilter.Bilinear);
            ReadOnlySpan<byte> pixels = _to.Pixels;
            for (int i = 0; i < resized.Length; i++)
                resized[i] = pixels[i * copies];
        }

        public void Dispose()
        {
            _from.Dispose();
            _to.Dispose();
            _resampler.Dispose();
        }
    }
}
