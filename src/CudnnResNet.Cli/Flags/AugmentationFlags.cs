using System.CommandLine;
using CudnnResNet.Data;

namespace CudnnResNet.Cli.Flags;

internal enum AugmentKind
{
    None,
    Standard,
}

/// <summary>The flags that say what is done at random to training images.</summary>
internal sealed class AugmentationFlags
{
    /// <summary>Crops move by up to an eighth of the image, as 4 of 32 pixels in the usual CIFAR recipe.</summary>
    private const int CropShare = 8;

    private readonly Option<AugmentKind?> _augment = Flag.Choice("--augment",
        "standard: random crops and horizontal flips, of photographs also of random size and shape (default standard).",
        ("none", AugmentKind.None), ("standard", AugmentKind.Standard));
    private readonly Option<double?> _erasing = Flag.Number("--random-erasing", "Probability that a rectangle of an image is blanked (default 0).");
    private readonly Option<double?> _mixup = Flag.Number("--mixup", "Mix pairs of images by shares of a beta distribution with this parameter (default 0: never).");
    private readonly Option<double?> _cutMix = Flag.Number("--cutmix", "As --mixup, with a rectangle of the other image (default 0: never).");

    public void AddTo(Command command)
    {
        command.Add(_augment);
        command.Add(_erasing);
        command.Add(_mixup);
        command.Add(_cutMix);
    }

    public Augmentation Read(ParseResult parsed, IDataSet data) =>
        (parsed.GetValue(_augment) == AugmentKind.None ? Augmentation.None : StandardFor(data)) with
        {
            Erasing = parsed.GetValue(_erasing) ?? 0,
            Mixup = parsed.GetValue(_mixup) ?? 0,
            CutMix = parsed.GetValue(_cutMix) ?? 0,
        };

    public static Augmentation StandardFor(IDataSet data) => Augmentation.Standard(Math.Min(data.Height, data.Width) / CropShare);
}
