namespace CudnnResNet.Data;

/// <summary>
/// What is done at random to a training image, before it is normalised: zeros around it, then a crop of the original size
/// at a random place, then a horizontal flip of every second image. As torchvision's RandomCrop(size, padding) and
/// RandomHorizontalFlip() before Normalize.
/// </summary>
/// <param name="CropPadding">Zeros on each side, in pixels; 0 crops nothing.</param>
/// <param name="HorizontalFlip">Flip with probability one half.</param>
public sealed record Augmentation(int CropPadding, bool HorizontalFlip)
{
    public static Augmentation None { get; } = new(0, false);

    public static Augmentation Standard(int padding) => new(padding, true);

    /// <exception cref="ResNetException">The padding is negative or larger than the image.</exception>
    internal void Check(int height, int width)
    {
        if (CropPadding < 0 || CropPadding > Math.Min(height, width))
            throw new ResNetException($"a crop padding of {CropPadding} does not fit images of {height} x {width}; it must be from 0 to {Math.Min(height, width)}");
    }
}
