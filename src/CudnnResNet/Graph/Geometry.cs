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

/// <summary>A square pooling window; padding never wins the maximum.</summary>
public readonly record struct PoolGeometry(int H, int W, int C, int Window, int Stride, int Padding)
{
    public int P => (H + 2 * Padding - Window) / Stride + 1;
    public int Q => (W + 2 * Padding - Window) / Stride + 1;
}
