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
    public bool IsCorrect => TrueLabel == Predicted;
}
