using CudnnResNet.Data;

namespace CudnnResNet.Imaging.Augmenting;

/// <summary>
/// Brightness, contrast, saturation and hue changed at random, in random order, as torchvision's ColorJitter.
/// </summary>
/// <param name="Brightness">The factor is between 1 - Brightness, at least 0, and 1 + Brightness.</param>
/// <param name="Contrast">As brightness.</param>
/// <param name="Saturation">As brightness.</param>
/// <param name="Hue">The circle of colours is turned by up to this share of it, either way; at most 0.5.</param>
public sealed record ColourJitter(double Brightness = 0, double Contrast = 0, double Saturation = 0, double Hue = 0)
{
    private const int Kinds = 4;

    /// <exception cref="ResNetException">A number without meaning.</exception>
    public void Validate()
    {
        if (!(Brightness >= 0 && Contrast >= 0 && Saturation >= 0 && Hue is >= 0 and <= 0.5)
            || !double.IsFinite(Brightness + Contrast + Saturation))
            throw new ResNetException($"a colour jitter of {Brightness}, {Contrast}, {Saturation}, {Hue} has no meaning; give brightness, contrast and saturation from 0, and hue from 0 to 0.5");
    }

    internal void Apply(Span<byte> rgb, CounterRandom random)
    {
        Span<int> order = [0, 1, 2, 3];
        for (int i = Kinds - 1; i > 0; i--)
        {
            int j = random.Below(i + 1, Draws.Colour + (ulong)i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        foreach (int kind in order)
        {
            ulong draw = Draws.Colour + Kinds + (ulong)kind;
            switch (kind)
            {
                case 0 when Brightness > 0:
                    ColourOperations.Brightness(rgb, Factor(Brightness, random, draw));
                    break;
                case 1 when Contrast > 0:
                    ColourOperations.Contrast(rgb, Factor(Contrast, random, draw));
                    break;
                case 2 when Saturation > 0:
                    ColourOperations.Saturation(rgb, Factor(Saturation, random, draw));
                    break;
                case 3 when Hue > 0:
                    ColourOperations.Hue(rgb, (int)(255 * random.Between(-Hue, Hue, draw)));
                    break;
            }
        }
    }

    private static float Factor(double spread, CounterRandom random, ulong draw) =>
        (float)random.Between(Math.Max(0, 1 - spread), 1 + spread, draw);
}
