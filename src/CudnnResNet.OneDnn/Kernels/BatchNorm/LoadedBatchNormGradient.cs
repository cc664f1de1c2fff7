using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Kernels.Pointwise;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.BatchNorm;

/// <summary>
/// A batch norm's dx in bf16, where the kernel before left the sums. Phases: coefficients by channel; dx.
/// </summary>
internal sealed unsafe class LoadedBatchNormGradient(ThreadTeam team, RowExtent extent, Stored<BFloat16> gradient, byte* x, byte* dx,
    BatchNormBackwardVectors vectors, byte* workspace) : SlicedKernel(team)
{
    private readonly BatchNormCoefficients _coefficients = new(
        workspace + 2 * SumBytes(extent.Channels), vectors.Mean, extent.Channels);

    /// <summary>sum(g) by channel, which the kernel before writes.</summary>
    internal double* Sums { get; } = (double*)workspace;

    /// <summary>sum(g * (x - mean)) by channel, which the kernel before writes.</summary>
    internal double* Products { get; } = (double*)(workspace + SumBytes(extent.Channels));

    internal static long WorkspaceBytes(nint channels) => 2 * SumBytes(channels) + BatchNormCoefficients.Bytes(channels);

    protected override int Phases => 2;

    protected override long TrafficBytes(int phase) => phase == 0
        ? extent.Channels * 2 * sizeof(double)
        : 3 * extent.Rows * extent.Channels * BFloat16.Bytes;

    protected override void RunSlice(int phase, int slice)
    {
        (nint begin, nint end) = phase == 0 ? Share(extent.Channels, slice, grain: 16) : Share(extent.Rows, slice);
        if (phase == 0)
            for (nint c = begin; c < end; c++)
                vectors.Conclude(c, Sums[c], Products[c], extent.Rows, _coefficients);
        else
            BatchNormGradientBody<BFloat16, Stored<BFloat16>, Identity>.Run(
                extent, begin, end, gradient, x, _coefficients, default, dx);
    }

    private static long SumBytes(nint channels) => Region.Align(channels * sizeof(double));
}
