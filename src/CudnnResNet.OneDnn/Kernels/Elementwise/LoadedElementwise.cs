using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Simd;

namespace CudnnResNet.OneDnn.Kernels.Elementwise;

/// <summary>A body at every index of [0, elements).</summary>
internal sealed class LoadedElementwise<TBody>(ThreadTeam team, long elements, int bytesPerElement, TBody body)
    : SlicedKernel(team) where TBody : struct, ILaneBody
{
    protected override long TrafficBytes(int phase) => elements * bytesPerElement;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void RunSlice(int phase, int slice)
    {
        (nint begin, nint end) = Share((nint)elements, slice, grain: 64);
        LaneLoop.Run(body, begin, end);
    }
}
