using System.Runtime.InteropServices;
using CudnnResNet.Graph;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_convolution.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CpuConvolution(int images, ConvolutionGeometry g)
{
    internal readonly int N = images, H = g.H, W = g.W, C = g.C, K = g.K, R = g.R, S = g.S,
        Stride = g.Stride, Pad = g.Padding, P = g.P, Q = g.Q;
}
