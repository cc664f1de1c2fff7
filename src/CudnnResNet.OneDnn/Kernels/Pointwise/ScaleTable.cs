namespace CudnnResNet.OneDnn.Kernels.Pointwise;

/// <summary>
/// The factor by channel of a normalisation, gamma / deviation, from what a node is given: the saved inverse deviation,
/// or the variance with an epsilon. Filled anew in every run, since parameters change between runs.
/// </summary>
internal sealed unsafe class ScaleTable(float* gamma, float* spread, double? epsilon, float* scale, int channels)
{
    internal void Fill()
    {
        for (int c = 0; c < channels; c++)
            scale[c] = epsilon is { } small
                ? (float)(gamma[c] / Math.Sqrt(spread[c] + small))
                : gamma[c] * spread[c];
    }
}
