using System.Runtime.InteropServices;

namespace CudnnResNet.OneDnn.Native;

/// <summary>crn_direct_operands; what is not set is null.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CpuDirectOperands
{
    internal byte* X;
    internal CpuDirectPrologue Input;
    internal byte* Packed;
    internal float* Bias;
    internal byte* Other;
    internal byte* Mask;
    internal long Relu;
    internal byte* Y;
    internal double* First;
    internal double* Second;
    internal byte* NormX;
    internal float* NormMean;
}

/// <summary>What x goes through before it is convolved: a batch norm, perhaps a join, and a ReLU.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CpuDirectPrologue
{
    internal float* Mean;
    internal float* Scale;
    internal float* Shift;
    internal byte* Other;
    internal byte* Y;
}
