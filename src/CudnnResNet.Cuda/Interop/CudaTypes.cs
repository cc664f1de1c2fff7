using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>An ordinal of the driver, 0 to count - 1.</summary>
internal readonly record struct CUdevice(int Ordinal);

/// <summary>A borrowed context; the primary one is owned by <see cref="CudaPrimaryContext"/>, any other by the host.</summary>
internal readonly record struct CUcontext(nint Value);

/// <summary>A borrowed stream; 0 is the legacy default stream.</summary>
internal readonly record struct CUstream(nint Value);

internal readonly record struct CUmemoryPool(nint Value);

/// <summary>Lives as long as its module.</summary>
internal readonly record struct CUfunction(nint Value);

/// <summary>An address in device memory.</summary>
internal readonly record struct CUdeviceptr(ulong Value)
{
    public static CUdeviceptr operator +(CUdeviceptr start, long bytes) => new(start.Value + (ulong)bytes);

    /// <summary>For APIs that take device memory as <c>void*</c>.</summary>
    internal unsafe void* Pointer => (void*)Value;
}

internal readonly record struct nvrtcProgram(nint Value);

internal readonly record struct nvmlDevice_t(nint Value);

[StructLayout(LayoutKind.Sequential)]
internal struct nvmlMemory_t
{
    internal ulong total;
    internal ulong free;
    internal ulong used;
}

/// <summary>Opaque; chosen by <c>cublasLtMatmulAlgoGetHeuristic</c>.</summary>
[StructLayout(LayoutKind.Sequential, Size = 64)]
internal struct cublasLtMatmulAlgo_t
{
    private readonly ulong _opaque;
}

[StructLayout(LayoutKind.Sequential, Size = 96)]
internal struct cublasLtMatmulHeuristicResult_t
{
    internal cublasLtMatmulAlgo_t algo;
    internal nuint workspaceSize;
    internal cublasStatus_t state;
    internal float wavesCount;
}

/// <summary>One layout serves the three kinds of convolution; <see cref="algo"/> is an algorithm of the call's own enum.</summary>
[StructLayout(LayoutKind.Sequential, Size = 48)]
internal struct cudnnConvolutionAlgoPerf_t
{
    internal int algo;
    internal cudnnStatus_t status;
    internal float time;
    internal nuint memory;
    internal cudnnDeterminism_t determinism;
    internal cudnnMathType_t mathType;
}
