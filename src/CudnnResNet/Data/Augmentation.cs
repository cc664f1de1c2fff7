using System.Globalization;

namespace CudnnResNet.Data;

/// <summary>
/// What is done at random to a training image. Sets in memory: zeros around it, then a crop of the original size at a random
/// place, then a horizontal flip of every second image, as torchvision's RandomCrop(size, padding) and RandomHorizontalFlip()
/// before Normalize; sets of image files crop and flip on their own. Then, on the normalised images of any set: rectangles
/// erased, and images mixed.
/// </summary>
/// <param name="CropPadding">Zeros on each side, in pixels; 0 crops nothing.</param>
/// <param name="HorizontalFlip">Flip with probability one half.</param>
public sealed record Augmentation(int CropPadding, bool HorizontalFlip)
{
    public static Augmentation None { get; } = new(0, false);

    public static Augmentation Standard(int padding) => new(padding, true);

    /// <summary>Probability that a rectangle is set to the mean colour (Zhong et al., arXiv:1708.04896).</summary>
    public double Erasing { get; init; }

    /// <summary>
    /// Parameter of the symmetric beta distribution from which an image's share in a mixture of two is drawn (Zhang et al.,
    /// arXiv:1710.09412); 0 mixes nothing. The label is that of either image, drawn with the images' shares: the gradient is
    /// that of the mixed labels in expectation.
    /// </summary>
    public double Mixup { get; init; }

    /// <summary>As <see cref="Mixup"/>, with a rectangle of the other image in place of a mixture (Yun et al., arXiv:1905.04899). Where both are given, half of the batches take each.</summary>
    public double CutMix { get; init; }

    internal bool CropsOrFlips => CropPadding > 0 || HorizontalFlip;

    /// <exception cref="ResNetException">A number without meaning, or a padding larger than the image.</exception>
    internal void Check(int height, int width)
    {
        if (CropPadding < 0 || CropPadding > Math.Min(height, width))
            throw new ResNetException($"a crop padding of {CropPadding} does not fit images of {height} x {width}; it must be from 0 to {Math.Min(height, width)}");
        Require(Erasing is >= 0 and <= 1, "random erasing with the probability", Erasing, "give 0 to 1");
        Require(Mixup is >= 0 and <= 100, "mixup with the parameter", Mixup, "give 0 to 100");
        Require(CutMix is >= 0 and <= 100, "CutMix with the parameter", CutMix, "give 0 to 100");
    }

    private static void Require(bool condition, string name, double value, string remedy)
    {
        if (!condition)
            throw new ResNetException(string.Create(CultureInfo.InvariantCulture, $"{name} {value} has no meaning; {remedy}"));
    }
}
