using CudnnResNet.Kernels;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// Two sums by channel, for a block of rows in float32 and for a slice in float64, at fixed places of a workspace, one
/// set a slice.
/// </summary>
internal readonly unsafe struct SliceSums(byte* workspace, int slice, nint channels)
{
    private readonly byte* _start = workspace + slice * BytesPerSlice(channels);

    internal float* BlockFirst => (float*)_start;
    internal float* BlockSecond => (float*)(_start + FloatBytes(channels));
    internal double* First => (double*)(_start + 2 * FloatBytes(channels));
    internal double* Second => (double*)(_start + 2 * FloatBytes(channels) + DoubleBytes(channels));

    internal static long BytesPerSlice(nint channels) => 2 * (FloatBytes(channels) + DoubleBytes(channels));

    internal void ClearBlock()
    {
        new Span<float>(BlockFirst, (int)channels).Clear();
        new Span<float>(BlockSecond, (int)channels).Clear();
    }

    internal void Clear()
    {
        new Span<double>(First, (int)channels).Clear();
        new Span<double>(Second, (int)channels).Clear();
    }

    private static long FloatBytes(nint channels) => Region.Align(channels * sizeof(float));

    private static long DoubleBytes(nint channels) => Region.Align(channels * sizeof(double));
}
