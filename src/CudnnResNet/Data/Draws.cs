namespace CudnnResNet.Data;

/// <summary>Which of a sample's random numbers decides what, so that one choice never shifts another.</summary>
internal static class Draws
{
    public const ulong Down = 0;
    public const ulong Right = 1;
    public const ulong Flip = 2;

    /// <summary>Four for each of ten attempts.</summary>
    public const ulong Crop = 16;

    /// <summary>One, then four for each of ten attempts.</summary>
    public const ulong Erasing = 64;

    /// <summary>Some for each of six adjustments of colour.</summary>
    public const ulong Colour = 128;

    /// <summary>Some for each of RandAugment's operations.</summary>
    public const ulong RandAugment = 192;
}
