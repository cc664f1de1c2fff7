namespace CudnnResNet.Models;

/// <summary>
/// One residual block: basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1 to four times the channels), in one of the three
/// versions. Where shapes differ, the shortcut is a 1x1 projection or, without weights, every second pixel with zeros as
/// further channels; else it is the identity.
/// </summary>
public sealed record BlockSpec(ResNetVersion Version, bool IsBottleneck, int InChannels, int Channels, int Stride)
{
    public bool ConvolutionBias { get; init; }
    public ResNetShortcut Shortcut { get; init; }
    public double BatchNormEpsilon { get; init; } = 1e-5;
    public double BatchNormMomentum { get; init; } = 0.1;

    public int OutChannels => IsBottleneck ? 4 * Channels : Channels;

    public bool HasProjection => ChangesShape && Shortcut == ResNetShortcut.Projection;

    public bool HasPadding => ChangesShape && Shortcut == ResNetShortcut.Padding;

    private bool ChangesShape => Stride != 1 || InChannels != OutChannels;
}
