namespace CudnnResNet.Cuda.Interop;

internal enum nvjpegStatus_t
{
    NVJPEG_STATUS_SUCCESS = 0,
    NVJPEG_STATUS_NOT_INITIALIZED = 1,
    NVJPEG_STATUS_INVALID_PARAMETER = 2,
    NVJPEG_STATUS_BAD_JPEG = 3,
    NVJPEG_STATUS_JPEG_NOT_SUPPORTED = 4,
    NVJPEG_STATUS_ALLOCATOR_FAILURE = 5,
    NVJPEG_STATUS_EXECUTION_FAILED = 6,
    NVJPEG_STATUS_ARCH_MISMATCH = 7,
    NVJPEG_STATUS_INTERNAL_ERROR = 8,
    NVJPEG_STATUS_IMPLEMENTATION_NOT_SUPPORTED = 9,
    NVJPEG_STATUS_INCOMPLETE_BITSTREAM = 10,
}

internal enum nvjpegBackend_t
{
    NVJPEG_BACKEND_DEFAULT = 0,
    NVJPEG_BACKEND_GPU_HYBRID = 2,
    NVJPEG_BACKEND_HARDWARE = 3,
}

internal enum nvjpegOutputFormat_t
{
    NVJPEG_OUTPUT_RGBI = 5,
}

/// <summary>Macros of the header.</summary>
[Flags]
internal enum nvjpegFlags : uint
{
    NVJPEG_FLAGS_DEFAULT = 0,
    NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION = 32,
}

/// <summary>Of library_types.h.</summary>
internal enum libraryPropertyType
{
    MAJOR_VERSION = 0,
    MINOR_VERSION = 1,
    PATCH_LEVEL = 2,
}
