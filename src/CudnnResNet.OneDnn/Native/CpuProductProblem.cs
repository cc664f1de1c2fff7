using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_product_problem.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CpuProductProblem(int n, int h, int w, int c, int k, int stride, int threads, CpuFeatures features)
{
    internal readonly int N = n, H = h, W = w, C = c, K = k, Stride = stride, Threads = threads;
    internal readonly CpuFeatures Features = features;
}
