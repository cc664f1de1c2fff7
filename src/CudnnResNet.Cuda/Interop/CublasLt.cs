using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of cublasLt.h that the backend calls, name for name.</summary>
internal static unsafe partial class CublasLt
{
    internal const string Library = "cublasLt";

    [LibraryImport(Library)]
    internal static partial nuint cublasLtGetVersion();

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtCreate(out CublasLtHandle lightHandle);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtDestroy(nint lightHandle);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulDescCreate(
        out CublasLtMatmulDescriptor matmulDesc, cublasComputeType_t computeType, cudaDataType_t scaleType);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulDescDestroy(nint matmulDesc);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulDescSetAttribute(
        CublasLtMatmulDescriptor matmulDesc, cublasLtMatmulDescAttributes_t attr, void* buf, nuint sizeInBytes);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatrixLayoutCreate(
        out CublasLtMatrixLayout matLayout, cudaDataType_t type, ulong rows, ulong cols, long ld);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatrixLayoutDestroy(nint matLayout);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulPreferenceCreate(out CublasLtMatmulPreference pref);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulPreferenceDestroy(nint pref);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulPreferenceSetAttribute(CublasLtMatmulPreference pref,
        cublasLtMatmulPreferenceAttributes_t attr, void* buf, nuint sizeInBytes);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmulAlgoGetHeuristic(CublasLtHandle lightHandle,
        CublasLtMatmulDescriptor operationDesc, CublasLtMatrixLayout Adesc, CublasLtMatrixLayout Bdesc,
        CublasLtMatrixLayout Cdesc, CublasLtMatrixLayout Ddesc, CublasLtMatmulPreference preference,
        int requestedAlgoCount, cublasLtMatmulHeuristicResult_t* heuristicResultsArray, out int returnAlgoCount);

    [LibraryImport(Library)]
    internal static partial cublasStatus_t cublasLtMatmul(CublasLtHandle lightHandle,
        CublasLtMatmulDescriptor computeDesc, void* alpha, void* A, CublasLtMatrixLayout Adesc, void* B,
        CublasLtMatrixLayout Bdesc, void* beta, void* C, CublasLtMatrixLayout Cdesc, void* D,
        CublasLtMatrixLayout Ddesc, cublasLtMatmulAlgo_t* algo, void* workspace, nuint workspaceSizeInBytes,
        CUstream stream);
}

/// <summary>One owner for each native object of cuBLASLt.</summary>
internal abstract class CublasLtOwner() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;
}

internal sealed class CublasLtHandle : CublasLtOwner
{
    protected override bool ReleaseHandle() => CublasLt.cublasLtDestroy(handle) == cublasStatus_t.CUBLAS_STATUS_SUCCESS;
}

internal sealed class CublasLtMatmulDescriptor : CublasLtOwner
{
    protected override bool ReleaseHandle() =>
        CublasLt.cublasLtMatmulDescDestroy(handle) == cublasStatus_t.CUBLAS_STATUS_SUCCESS;
}

internal sealed class CublasLtMatrixLayout : CublasLtOwner
{
    protected override bool ReleaseHandle() =>
        CublasLt.cublasLtMatrixLayoutDestroy(handle) == cublasStatus_t.CUBLAS_STATUS_SUCCESS;
}

internal sealed class CublasLtMatmulPreference : CublasLtOwner
{
    protected override bool ReleaseHandle() =>
        CublasLt.cublasLtMatmulPreferenceDestroy(handle) == cublasStatus_t.CUBLAS_STATUS_SUCCESS;
}
