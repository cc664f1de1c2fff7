using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of nvjpeg.h that the backend calls, name for name.</summary>
internal static unsafe partial class NvJpeg
{
    internal const string Library = "nvjpeg";

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegGetProperty(libraryPropertyType type, out int value);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegCreateEx(
        nvjpegBackend_t backend, void* dev_allocator, void* pinned_allocator, nvjpegFlags flags, out NvJpegHandle handle);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegDestroy(nint handle);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegJpegStateCreate(NvJpegHandle handle, out NvJpegState jpeg_handle);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegJpegStateDestroy(nint jpeg_handle);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegDecode(NvJpegHandle handle, NvJpegState jpeg_handle, byte* data, nuint length,
        nvjpegOutputFormat_t output_format, nvjpegImage_t* destination, CUstream stream);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegDecodeBatchedInitialize(
        NvJpegHandle handle, NvJpegState jpeg_handle, int batch_size, int max_cpu_threads, nvjpegOutputFormat_t output_format);

    [LibraryImport(Library)]
    internal static partial nvjpegStatus_t nvjpegDecodeBatched(NvJpegHandle handle, NvJpegState jpeg_handle, byte** data,
        nuint* lengths, nvjpegImage_t* destinations, CUstream stream);
}

/// <summary>One owner for each native object of nvJPEG; it is released in the context in which it was made.</summary>
internal abstract class NvJpegOwner() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;
}

internal sealed class NvJpegHandle : NvJpegOwner
{
    protected override bool ReleaseHandle() => NvJpeg.nvjpegDestroy(handle) == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS;
}

internal sealed class NvJpegState : NvJpegOwner
{
    protected override bool ReleaseHandle() => NvJpeg.nvjpegJpegStateDestroy(handle) == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS;
}

/// <summary>An image in device memory; of interleaved RGB, the first of four channels is all.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct nvjpegImage_t
{
    [FieldOffset(0)]
    internal CUdeviceptr channel;

    /// <summary>Bytes from row to row.</summary>
    [FieldOffset(32)]
    internal nuint pitch;
}
