using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_bottleneck_problem.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CpuBottleneckProblem(
    int n, int h, int w, int c, int m, int k, int outerStride, int innerStride, int threads, CpuFeatures features)
{
    internal readonly int N = n, H = h, W = w, C = c, M = m, K = k, OuterStride = outerStride, InnerStride = innerStride,
        Threads = threads;
    internal readonly CpuFeatures Features = features;
}
