using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>What a file may claim before it is refused, so that a small file cannot take all memory.</summary>
/// <param name="MaxPixels">Width times height. At most 12 bytes a pixel are taken: the image, its turned copy, and a progressive JPEG's coefficients.</param>
/// <param name="MaxFileBytes">Of the encoded file.</param>
public sealed record DecodeLimits(long MaxPixels = 100_000_000, long MaxFileBytes = 256L << 20)
{
    public static DecodeLimits Standard { get; } = new();

    /// <exception cref="DamagedImageException">The image is empty or larger than the limit.</exception>
    internal void Check(string name, long width, long height)
    {
        if (width < 1 || height < 1)
            throw new DamagedImageException($"{name}: an image of {width} x {height} pixels; nothing is there to be read");
        if (width > int.MaxValue / 16 || height > int.MaxValue / 16 || width * height > MaxPixels)
            throw new DamagedImageException($"{name}: an image of {width} x {height} pixels passes the limit of {MaxPixels} pixels; scale it down, or give a larger limit");
    }
}
