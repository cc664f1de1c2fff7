using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_winograd_problem.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CpuWinogradProblem(int n, int h, int w, int c, int k, int tile, bool isBFloat16, int threads, CpuFeatures features)
{
    internal readonly int N = n, H = h, W = w, C = c, K = k, Tile = tile, IsBFloat16 = isBFloat16 ? 1 : 0, Threads = threads;
    internal readonly CpuFeatures Features = features;
}
