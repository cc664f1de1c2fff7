using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The function of nppi_geometry_transforms.h that the backend calls, by its name.</summary>
internal static partial class Npp
{
    internal const string Library = "nppig";

    [LibraryImport(Library)]
    internal static partial NppStatus nppiResize_8u_C3R_Ctx(CUdeviceptr pSrc, int nSrcStep, NppiSize oSrcSize,
        NppiRect oSrcRectROI, CUdeviceptr pDst, int nDstStep, NppiSize oDstSize, NppiRect oDstRectROI,
        NppiInterpolationMode eInterpolation, NppStreamContext nppStreamCtx);
}

/// <summary>Negative is an error, positive a warning.</summary>
internal enum NppStatus
{
    NPP_CUDA_KERNEL_EXECUTION_ERROR = -1000,
    NPP_RESIZE_NO_OPERATION_ERROR = -201,
    NPP_INTERPOLATION_ERROR = -22,
    NPP_STEP_ERROR = -14,
    NPP_NULL_POINTER_ERROR = -8,
    NPP_SIZE_ERROR = -6,
    NPP_SUCCESS = 0,
}

internal enum NppiInterpolationMode
{
    NPPI_INTER_LINEAR = 2,
}

[StructLayout(LayoutKind.Sequential)]
internal record struct NppiSize(int width, int height)
{
    internal int width = width;
    internal int height = height;
}

[StructLayout(LayoutKind.Sequential)]
internal record struct NppiRect(int x, int y, int width, int height)
{
    internal int x = x;
    internal int y = y;
    internal int width = width;
    internal int height = height;
}

/// <summary>What NPP wants to know of a stream's device; CUDA 13 leaves it to the caller to fill it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NppStreamContext
{
    internal CUstream hStream;
    internal int nCudaDeviceId;
    internal int nMultiProcessorCount;
    internal int nMaxThreadsPerMultiProcessor;
    internal int nMaxThreadsPerBlock;
    internal nuint nSharedMemPerBlock;
    internal int nCudaDevAttrComputeCapabilityMajor;
    internal int nCudaDevAttrComputeCapabilityMinor;
    internal uint nStreamFlags;
    internal int nReserved0;
}
