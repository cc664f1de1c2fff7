namespace CudnnResNet.Reporting;

/// <summary>A labelled picture and what the network made of it.</summary>
/// <param name="PixelsRgbOrGray">Rows from the top, [height, width, channels], 8 bits.</param>
/// <param name="Channels">1 for grey, 3 for RGB.</param>
/// <param name="Confidence">Probability of the predicted class, 0 to 1.</param>
public sealed record ClassifiedImage(
    ReadOnlyMemory<byte> PixelsRgbOrGray,
    int Height,
    int Width,
    int Channels,
    int TrueLabel,
    int Predicted,
    double Confidence)
{
    /// <summary>Cross-entropy; the true class has the probability exp(-Loss). Null where it was not kept.</summary>
    public double? Loss { get; init; }

    public bool IsCorrect => TrueLabel == Predicted;
}
