using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;
using CudnnResNet.Kernels;

namespace CudnnResNet.Imaging;

/// <summary>
/// From an image of any size to the square that a network takes: the shorter side is scaled to <paramref name="Resize"/>,
/// then the middle is cut out. As torchvision's Resize and CenterCrop; what the image does not fill is black.
/// </summary>
/// <param name="Resize">The shorter side in pixels; 0 leaves the size as it is.</param>
/// <param name="Crop">Side of the square.</param>
/// <param name="Filter">Of the resize.</param>
/// <param name="OddPixelFirst">Where the margin is odd, cut the smaller part before the image, as TensorFlow's resize_with_crop_or_pad, instead of rounding half to even.</param>
public sealed record EvaluationTransform(
    int Resize = 256, int Crop = 224, ResampleFilter Filter = ResampleFilter.Bilinear, bool OddPixelFirst = false)
{
    private const int MaxSide = 8192;

    /// <exception cref="ResNetException">A side is out of range.</exception>
    public void Validate()
    {
        if (Resize is < 0 or > MaxSide)
            throw new ResNetException($"a resize to {Resize} pixels is not possible; give 1 to {MaxSide}, or 0 to keep the size");
        if (Crop is < 1 or > MaxSide)
            throw new ResNetException($"a crop of {Crop} pixels is not possible; give 1 to {MaxSide}");
    }

    /// <summary>The same part of each image, as a square of another size.</summary>
    /// <exception cref="ResNetException">A side would be out of range.</exception>
    internal EvaluationTransform WithSize(int side)
    {
        EvaluationTransform scaled = this with { Crop = side, Resize = (int)Math.Round((double)Resize * side / Crop) };
        scaled.Validate();
        return scaled;
    }

    /// <param name="source">The image.</param>
    /// <param name="resampler">Does the work.</param>
    /// <param name="to">Receives [Crop, Crop, 3].</param>
    internal unsafe void Apply(PixelView source, Resampler resampler, byte* to)
    {
        (int width, int height) = Resized(source.Width, source.Height);
        (int left, int toLeft, int columns) = Place(width);
        (int top, int toTop, int rows) = Place(height);
        int stride = Crop * PixelBuffer.Channels;
        if (columns < Crop || rows < Crop)
            new Span<byte>(to, Crop * stride).Clear();
        resampler.Resize(source, new ResizeRegion(width, height, left, top, columns, rows),
            to + toTop * stride + toLeft * PixelBuffer.Channels, stride, Filter);
    }

    /// <summary>The same for a device, which scales bilinearly.</summary>
    internal ImagePlacement Placement(int width, int height)
    {
        (int wholeWidth, int wholeHeight) = Resized(width, height);
        (int left, int toLeft, int columns) = Place(wholeWidth);
        (int top, int toTop, int rows) = Place(wholeHeight);
        return new ImagePlacement(0, 0, width, height, wholeWidth, wholeHeight, (left, top), (toLeft, toTop), columns, rows, IsMirrored: false);
    }

    internal (int Width, int Height) Resized(int width, int height)
    {
        if (Resize == 0)
            return (width, height);
        int longer = (int)((double)((long)Resize * Math.Max(width, height)) / Math.Min(width, height));
        return width <= height ? (Resize, longer) : (longer, Resize);
    }

    /// <summary>Where the crop begins in the image, where the image begins in the crop, and how much of it there is.</summary>
    internal (int From, int To, int Length) Place(int side)
    {
        int margin = side - Crop;
        if (margin <= 0)
            return (0, -margin / 2, side);
        return (OddPixelFirst ? margin / 2 : (int)Math.Round(margin / 2.0, MidpointRounding.ToEven), 0, Crop);
    }
}
