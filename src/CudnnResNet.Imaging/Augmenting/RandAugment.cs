using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Augmenting;

/// <summary>
/// Some of fourteen operations at random, all of one magnitude (Cubuk et al., arXiv:1909.13719), with the ranges of
/// torchvision's RandAugment in 31 steps.
/// </summary>
/// <param name="Operations">How many, one after the other.</param>
/// <param name="Magnitude">0 to 30.</param>
public sealed record RandAugment(int Operations = 2, int Magnitude = 9)
{
    private const int Kinds = 14;
    private const int MostOperations = 16;
    private const double MostMagnitude = 30;

    /// <exception cref="ResNetException">A number without meaning.</exception>
    public void Validate()
    {
        if (Operations is < 1 or > MostOperations || Magnitude is < 0 or > (int)MostMagnitude)
            throw new ResNetException($"RandAugment of {Operations} operations of magnitude {Magnitude} has no meaning; give 1 to {MostOperations}, and 0 to {MostMagnitude}");
    }

    /// <param name="rgb">The image, uint8 [H, W, 3].</param>
    /// <param name="copy">As much memory.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="random">The sample's numbers.</param>
    internal void Apply(Span<byte> rgb, Span<byte> copy, int width, CounterRandom random)
    {
        for (int i = 0; i < Operations; i++)
        {
            ulong draw = Draws.RandAugment + 2 * (ulong)i;
            Apply(random.Below(Kinds, draw), Magnitude / MostMagnitude, random.Below(2, draw + 1) == 1, rgb, copy, width);
        }
    }

    internal static void Apply(int kind, double share, bool negative, Span<byte> rgb, Span<byte> copy, int width)
    {
        const double shear = 0.3, shift = 150.0 / 331, degrees = 30, enhancement = 0.9;
        int height = rgb.Length / (3 * width);
        double signed = negative ? -share : share;
        float factor = (float)(1 + signed * enhancement);
        switch (kind)
        {
            case 0:
                break;
            case 1:
                AffineOperation.ShearX(signed * shear).Apply(rgb, copy, width);
                break;
            case 2:
                AffineOperation.ShearY(signed * shear).Apply(rgb, copy, width);
                break;
            case 3:
                AffineOperation.Translate((int)(signed * shift * width), 0).Apply(rgb, copy, width);
                break;
            case 4:
                AffineOperation.Translate(0, (int)(signed * shift * height)).Apply(rgb, copy, width);
                break;
            case 5:
                AffineOperation.Rotate(signed * degrees, width, height).Apply(rgb, copy, width);
                break;
            case 6:
                ColourOperations.Brightness(rgb, factor);
                break;
            case 7:
                ColourOperations.Saturation(rgb, factor);
                break;
            case 8:
                ColourOperations.Contrast(rgb, factor);
                break;
            case 9:
                ColourOperations.Sharpness(rgb, copy, width, factor);
                break;
            case 10:
                ColourOperations.Posterize(rgb, 8 - (int)Math.Round(share * 4));
                break;
            case 11:
                ColourOperations.Solarize(rgb, (float)(255 * (1 - share)));
                break;
            case 12:
                ColourOperations.AutoContrast(rgb);
                break;
            default:
                ColourOperations.Equalize(rgb);
                break;
        }
    }
}
