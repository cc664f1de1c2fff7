using CudnnResNet.Data;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;

namespace CudnnResNet.Imaging;

/// <summary>
/// From an image of any size to a random view of it: a crop of random area and shape, scaled to the square that the network
/// takes, and mirrored half of the time. As torchvision's RandomResizedCrop and RandomHorizontalFlip.
/// </summary>
/// <param name="MinArea">Least share of the image's area.</param>
/// <param name="MaxArea">Greatest share of the image's area.</param>
/// <param name="MaxAspect">Width to height is between 1 / MaxAspect and MaxAspect.</param>
/// <param name="HorizontalFlip">Mirror half of the samples.</param>
/// <param name="Filter">Of the resize.</param>
public sealed record TrainingTransform(double MinArea = 0.08, double MaxArea = 1, double MaxAspect = 4.0 / 3,
    bool HorizontalFlip = true, ResampleFilter Filter = ResampleFilter.Bilinear)
{
    private const int Attempts = 10;

    /// <exception cref="ResNetException">A number without meaning.</exception>
    public void Validate()
    {
        if (!(MinArea > 0 && MinArea <= MaxArea && MaxArea <= 1))
            throw new ResNetException($"random crops of {MinArea} to {MaxArea} of an image are not possible; give shares above 0 and up to 1, the smaller first");
        if (!(MaxAspect >= 1 && MaxAspect <= 100))
            throw new ResNetException($"random crops of an aspect up to {MaxAspect} are not possible; give 1 to 100");
    }

    /// <param name="source">The image.</param>
    /// <param name="resampler">Does the work.</param>
    /// <param name="random">The sample's numbers.</param>
    /// <param name="to">Receives [side, side, 3].</param>
    /// <param name="side">Of the square.</param>
    internal unsafe void Apply(PixelView source, Resampler resampler, CounterRandom random, byte* to, int side)
    {
        (int left, int top, int width, int height) = DrawCrop(source.Width, source.Height, random);
        bool mirrored = HorizontalFlip && random.Below(2, Draws.Flip) == 1;
        resampler.Resize(source.Crop(left, top, width, height), ResizeRegion.All(side, side),
            to, side * PixelBuffer.Channels, Filter, mirrored);
    }

    /// <summary>The first of ten drawn shapes that fits; else the middle of the image, as near to its shape as allowed.</summary>
    internal (int Left, int Top, int Width, int Height) DrawCrop(int width, int height, CounterRandom random)
    {
        double logAspect = Math.Log(MaxAspect);
        for (ulong attempt = 0; attempt < Attempts; attempt++)
        {
            ulong draw = Draws.Crop + 4 * attempt;
            double area = (double)width * height * random.Between(MinArea, MaxArea, draw);
            double aspect = Math.Exp(random.Between(-logAspect, logAspect, draw + 1));
            int w = (int)Math.Round(Math.Sqrt(area * aspect));
            int h = (int)Math.Round(Math.Sqrt(area / aspect));
            if (w > 0 && w <= width && h > 0 && h <= height)
                return (random.Below(width - w + 1, draw + 2), random.Below(height - h + 1, draw + 3), w, h);
        }
        double shape = (double)width / height;
        (int cropWidth, int cropHeight) = shape < 1 / MaxAspect ? (width, Math.Min(height, (int)Math.Round(width * MaxAspect)))
            : shape > MaxAspect ? (Math.Min(width, (int)Math.Round(height * MaxAspect)), height)
            : (width, height);
        return ((width - cropWidth) / 2, (height - cropHeight) / 2, cropWidth, cropHeight);
    }
}
