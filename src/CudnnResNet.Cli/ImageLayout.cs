namespace CudnnResNet.Cli;

/// <summary>Files hold images channel by channel, the runtime pixel by pixel.</summary>
internal static class ImageLayout
{
    /// <param name="chw">One image, [C, H, W].</param>
    /// <param name="hwc">Receives [H, W, C].</param>
    /// <param name="channels">C.</param>
    public static void NhwcFromNchw(ReadOnlySpan<float> chw, Span<float> hwc, int channels)
    {
        int pixels = chw.Length / channels;
        for (int c = 0; c < channels; c++)
            for (int i = 0; i < pixels; i++)
                hwc[i * channels + c] = chw[c * pixels + i];
    }
}
