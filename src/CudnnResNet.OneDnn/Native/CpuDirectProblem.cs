using System.Runtime.InteropServices;
using CudnnResNet.Graph;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_direct_problem.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CpuDirectProblem(int images, ConvolutionGeometry g, int threads, CpuFeatures features)
{
    internal readonly CpuConvolution Convolution = new(images, g);
    internal readonly int Threads = threads;
    internal readonly CpuFeatures Features = features;
}
