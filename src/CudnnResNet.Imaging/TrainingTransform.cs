using System.Globalization;
using System.Text;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Augmenting;
using CudnnResNet.Imaging.Decoding;
using CudnnResNet.Imaging.Resampling;
using CudnnResNet.Kernels;

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
public sealed record TrainingTransform(double MinArea = 0.08, double MaxArea = 1, double MaxAspect = TrainingTransform.StandardAspect,
    bool HorizontalFlip = true, ResampleFilter Filter = ResampleFilter.Bilinear)
{
    private const int Attempts = 10;
    private const double StandardAspect = 4.0 / 3;

    /// <summary>Changes of colour after the crop; null changes none.</summary>
    public ColourJitter? Jitter { get; init; }

    /// <summary>Random operations after the crop and before changes of colour; null does none.</summary>
    public RandAugment? RandAugment { get; init; }

    /// <exception cref="ResNetException">A number without meaning.</exception>
    public void Validate()
    {
        if (!(MinArea > 0 && MinArea <= MaxArea && MaxArea <= 1))
            throw new ResNetException($"random crops of {MinArea} to {MaxArea} of an image are not possible; give shares above 0 and up to 1, the smaller first");
        if (!(MaxAspect >= 1 && MaxAspect <= 100))
            throw new ResNetException($"random crops of an aspect up to {MaxAspect} are not possible; give 1 to 100");
        Jitter?.Validate();
        RandAugment?.Validate();
    }

    /// <summary>For example <c>random resized crops of 0.08 to 1 of the image, horizontal flips, RandAugment 2,9</c>.</summary>
    internal string Describe()
    {
        StringBuilder text = new();
        CultureInfo culture = CultureInfo.InvariantCulture;
        text.Append(culture, $"random resized crops of {MinArea} to {MaxArea} of the image");
        if (MaxAspect != StandardAspect)
            text.Append(culture, $" and aspects up to {MaxAspect}");
        if (Filter != ResampleFilter.Bilinear)
            text.Append(culture, $", {Filter.ToString().ToLowerInvariant()}");
        if (HorizontalFlip)
            text.Append(", horizontal flips");
        if (RandAugment is { } random)
            text.Append(culture, $", RandAugment {random.Operations},{random.Magnitude}");
        if (Jitter is { } jitter)
            text.Append(culture, $", colour jitter {jitter.Brightness},{jitter.Contrast},{jitter.Saturation},{jitter.Hue}");
        return text.ToString();
    }

    /// <summary>Nothing but a crop, a mirror and a bilinear scaling.</summary>
    internal bool IsPlain => Filter == ResampleFilter.Bilinear && Jitter is null && RandAugment is null;

    /// <summary>What <see cref="Apply"/> does, for a device, where it is plain.</summary>
    internal ImagePlacement Placement(int width, int height, CounterRandom random, int side)
    {
        CropWindow crop = DrawCrop(width, height, random);
        return ImagePlacement.Filling(crop.Left, crop.Top, crop.Width, crop.Height, side, side, IsMirrored(random)) with { MayAlias = true };
    }

    /// <param name="source">The image.</param>
    /// <param name="crop">The part of it to take.</param>
    /// <param name="worker">Lends its memory.</param>
    /// <param name="random">The sample's numbers.</param>
    /// <param name="hwc">Receives [side, side, 3].</param>
    /// <param name="side">Of the square.</param>
    internal unsafe void Apply(PixelView source, CropWindow crop, ImageWorker worker, CounterRandom random, Span<byte> hwc, int side)
    {
        bool mirrored = IsMirrored(random);
        hwc = hwc[..(side * side * PixelBuffer.Channels)];
        fixed (byte* to = hwc)
            worker.Resampler.Resize(source.Crop(crop.Left, crop.Top, crop.Width, crop.Height), ResizeRegion.All(side, side),
                to, side * PixelBuffer.Channels, Filter, mirrored);
        RandAugment?.Apply(hwc, worker.CopyOf(hwc.Length), side, random);
        Jitter?.Apply(hwc, random);
    }

    private bool IsMirrored(CounterRandom random) => HorizontalFlip && random.Below(2, Draws.Flip) == 1;

    /// <summary>The first of ten drawn shapes that fits; else the middle of the image, as near to its shape as allowed.</summary>
    internal CropWindow DrawCrop(int width, int height, CounterRandom random)
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
                return new CropWindow(random.Below(width - w + 1, draw + 2), random.Below(height - h + 1, draw + 3), w, h);
        }
        double shape = (double)width / height;
        (int cropWidth, int cropHeight) = shape < 1 / MaxAspect ? (width, Math.Min(height, (int)Math.Round(width * MaxAspect)))
            : shape > MaxAspect ? (Math.Min(width, (int)Math.Round(height * MaxAspect)), height)
            : (width, height);
        return new CropWindow((width - cropWidth) / 2, (height - cropHeight) / 2, cropWidth, cropHeight);
    }
}

/// <summary>A part of an image.</summary>
internal readonly record struct CropWindow(int Left, int Top, int Width, int Height)
{
    /// <summary>The same part of the image decoded so many times smaller.</summary>
    public CropWindow Reduced(int reduction) =>
        new(Left / reduction, Top / reduction, Math.Max(1, Width / reduction), Math.Max(1, Height / reduction));
}
