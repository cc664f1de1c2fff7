using CudnnResNet.Graph;

namespace CudnnResNet.Reference;

/// <summary>
/// The columns of a filter that fall inside the image for one output column. In NHWC they and their channels are one
/// contiguous piece of the image's row, and of the filter's row.
/// </summary>
internal readonly ref struct ConvolutionWindow
{
    public ConvolutionWindow(ConvolutionGeometry g, int q)
    {
        int left = q * g.Stride - g.Padding;
        int first = Math.Max(0, -left);
        int end = Math.Min(g.S, g.W - left);
        ImageOffset = (left + first) * g.C;
        FilterOffset = first * g.C;
        Elements = Math.Max(0, end - first) * g.C;
    }

    public int ImageOffset { get; }

    public int FilterOffset { get; }

    public int Elements { get; }
}
