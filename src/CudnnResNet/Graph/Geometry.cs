namespace CudnnResNet.Graph;

/// <summary>
/// A square 2-D convolution: input H, W and C, output K channels, filter R x S, equal stride and zero padding in both
/// directions. P and Q are the output extents, as in cuDNN.
/// </summary>
public readonly record struct ConvolutionGeometry(int H, int W, int C, int K, int R, int S, int Stride, int Padding)
{
    public int P => (H + 2 * Padding - R) / Stride + 1;
    public int Q => (W + 2 * Padding - S) / Stride + 1;

    /// <summary>Multiply-adds of the forward pass for one image.</summary>
    public long MultiplyAdds => (long)P * Q * K * R * S * C;
}

/// <summary>
/// A shortcut without weights (He et al. 2015, option A): every Stride-th pixel of every Stride-th line, its C channels in
/// the middle of K, zeros in the others.
/// </summary>
public readonly record struct SubsampleGeometry(int H, int W, int C, int K, int Stride)
{
    public int P => (H - 1) / Stride + 1;
    public int Q => (W - 1) / Stride + 1;

    /// <summary>The output channel of the first input channel.</summary>
    public int Offset => (K - C) / 2;
}

/// <summary>A square pooling window; padding never wins the maximum.</summary>
public readonly record struct PoolGeometry(int H, int W, int C, int Window, int Stride, int Padding)
{
    public int P => (H + 2 * Padding - Window) / Stride + 1;
    public int Q => (W + 2 * Padding - Window) / Stride + 1;
}
