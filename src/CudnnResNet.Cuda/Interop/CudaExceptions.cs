using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace CudnnResNet.Cuda.Interop;

/// <summary>A call of one of NVIDIA's libraries failed; the message quotes library, call, status and what to do.</summary>
internal abstract class CudaLibraryException(string library, string call, string status, string hint)
    : ResNetException($"{library}: {OneLine(call)} returned {status}: {OneLine(hint)}")
{
    public string Call { get; } = OneLine(call);

    /// <summary>A call is quoted as its source has it, which may be several lines.</summary>
    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}

internal sealed class CudaDriverException(string call, CUresult status)
    : CudaLibraryException("CUDA driver", call, status.ToString(), Hint(status))
{
    public CUresult Status { get; } = status;

    private static unsafe string Hint(CUresult status)
    {
        return status switch
        {
            CUresult.CUDA_ERROR_OUT_OF_MEMORY => "the device has too little free memory; use a smaller batch",
            CUresult.CUDA_ERROR_NO_DEVICE => "no NVIDIA GPU is visible; check nvidia-smi and CUDA_VISIBLE_DEVICES",
            CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU => "the kernels were compiled for another architecture; empty the kernel cache",
            CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => "libcuda and the kernel's driver differ; reboot after a driver update",
            CUresult.CUDA_ERROR_ILLEGAL_ADDRESS or CUresult.CUDA_ERROR_MISALIGNED_ADDRESS
                or CUresult.CUDA_ERROR_LAUNCH_FAILED => "a kernel went wrong and the context is lost; restart the process",
            _ => CudaDriver.cuGetErrorString(status, out byte* text) == CUresult.CUDA_SUCCESS
                ? Marshal.PtrToStringUTF8((nint)text)!
                : "an unexpected status",
        };
    }
}

internal sealed unsafe class NvrtcException(string call, nvrtcResult status)
    : CudaLibraryException("NVRTC", call, status.ToString(), Marshal.PtrToStringUTF8((nint)Nvrtc.nvrtcGetErrorString(status))!)
{
    public nvrtcResult Status { get; } = status;
}

internal sealed class CudnnException(string call, cudnnStatus_t status)
    : CudaLibraryException("cuDNN", call, status.ToString(), Hint(status))
{
    public cudnnStatus_t Status { get; } = status;

    /// <summary>The library's own words about the last failure of this thread, which say more than the status.</summary>
    internal static unsafe string LastError()
    {
        const int MostBytes = 1024;
        byte* text = stackalloc byte[MostBytes];
        text[0] = 0;
        Cudnn.cudnnGetLastErrorString(text, MostBytes);
        text[MostBytes - 1] = 0;
        return Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text)).ReplaceLineEndings(" ").Trim();
    }

    private static unsafe string Hint(cudnnStatus_t status) => LastError() is { Length: > 0 } text
        ? text
        : Marshal.PtrToStringUTF8((nint)Cudnn.cudnnGetErrorString(status))!;
}

internal sealed class CublasLtException(string call, cublasStatus_t status)
    : CudaLibraryException("cuBLASLt", call, status.ToString(), Hint(status))
{
    public cublasStatus_t Status { get; } = status;

    private static string Hint(cublasStatus_t status) => status switch
    {
        cublasStatus_t.CUBLAS_STATUS_ALLOC_FAILED => "there is too little free memory; use a smaller batch",
        cublasStatus_t.CUBLAS_STATUS_NOT_SUPPORTED => "no algorithm takes these shapes and types",
        cublasStatus_t.CUBLAS_STATUS_INVALID_VALUE => "the arguments contradict each other, a defect of the caller",
        cublasStatus_t.CUBLAS_STATUS_EXECUTION_FAILED => "the device failed while it ran the product",
        _ => "an unexpected status",
    };
}

internal sealed unsafe class NvmlException(string call, nvmlReturn_t status)
    : CudaLibraryException("NVML", call, status.ToString(), Marshal.PtrToStringUTF8((nint)Nvml.nvmlErrorString(status))!)
{
    public nvmlReturn_t Status { get; } = status;
}

internal sealed class NvJpegException(string call, nvjpegStatus_t status)
    : CudaLibraryException("nvJPEG", call, status.ToString(), Hint(status))
{
    public nvjpegStatus_t Status { get; } = status;

    private static string Hint(nvjpegStatus_t status) => status switch
    {
        nvjpegStatus_t.NVJPEG_STATUS_ARCH_MISMATCH => "the device has no hardware for it",
        nvjpegStatus_t.NVJPEG_STATUS_ALLOCATOR_FAILURE => "there is too little free memory; use a smaller batch",
        nvjpegStatus_t.NVJPEG_STATUS_EXECUTION_FAILED => "the device failed while it decoded",
        _ => "an unexpected status",
    };
}

internal sealed class NppException(string call, NppStatus status)
    : CudaLibraryException("NPP", call, status.ToString(), status == NppStatus.NPP_CUDA_KERNEL_EXECUTION_ERROR
        ? "the device failed while it scaled an image"
        : "the arguments contradict each other, a defect of the caller")
{
    public NppStatus Status { get; } = status;
}

internal static class CudaStatus
{
    extension(CUresult status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != CUresult.CUDA_SUCCESS)
                throw new CudaDriverException(call, status);
        }
    }

    extension(nvrtcResult status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != nvrtcResult.NVRTC_SUCCESS)
                throw new NvrtcException(call, status);
        }
    }

    extension(cudnnStatus_t status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != cudnnStatus_t.CUDNN_STATUS_SUCCESS)
                throw new CudnnException(call, status);
        }

        /// <summary>Of the category "not supported" (3000 to 3999): no engine does this, and nothing is broken.</summary>
        internal bool IsRefusal => (int)status / 1000 == 3;
    }

    extension(cublasStatus_t status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != cublasStatus_t.CUBLAS_STATUS_SUCCESS)
                throw new CublasLtException(call, status);
        }
    }

    extension(nvjpegStatus_t status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != nvjpegStatus_t.NVJPEG_STATUS_SUCCESS)
                throw new NvJpegException(call, status);
        }

        /// <summary>The image is to blame, and not the library or the device.</summary>
        internal bool IsAboutTheImage => status is nvjpegStatus_t.NVJPEG_STATUS_BAD_JPEG or nvjpegStatus_t.NVJPEG_STATUS_JPEG_NOT_SUPPORTED
            or nvjpegStatus_t.NVJPEG_STATUS_INCOMPLETE_BITSTREAM;
    }

    extension(NppStatus status)
    {
        /// <summary>Positive numbers are warnings.</summary>
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status < NppStatus.NPP_SUCCESS)
                throw new NppException(call, status);
        }
    }

    extension(nvmlReturn_t status)
    {
        internal void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != nvmlReturn_t.NVML_SUCCESS)
                throw new NvmlException(call, status);
        }
    }
}
