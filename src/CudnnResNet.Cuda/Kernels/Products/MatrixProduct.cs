using CudnnResNet.Cuda.Interop;
using CudnnResNet.Tensors;
using static CudnnResNet.Cuda.Interop.cublasLtMatmulDescAttributes_t;

namespace CudnnResNet.Cuda.Kernels.Products;

/// <summary>A matrix as cuBLASLt sees it: columns one after the other.</summary>
/// <param name="Rows">Consecutive elements.</param>
/// <param name="Columns">Of <paramref name="Rows"/> elements each.</param>
/// <param name="Type">Of the elements.</param>
/// <param name="IsTransposed">Enters the product transposed.</param>
internal readonly record struct Factor(long Rows, long Columns, DataType Type, bool IsTransposed = false);

/// <summary>What happens to a product before it is written: a bias down each column, an addend of the same shape, ReLU.</summary>
internal readonly record struct Epilogue(bool HasBias, bool HasRelu = false, bool HasAddend = false);

/// <summary>
/// D = A B (+ C, + bias down each column, ReLU), accumulated in float32, by the algorithm of a given rank in cuBLASLt's order. A
/// row-major matrix is the column-major form of its transpose, so that callers compute transposed results.
/// </summary>
internal sealed unsafe class MatrixProduct : IDisposable
{
    /// <summary>What NVIDIA's own programs give on Hopper.</summary>
    private const long MostWorkspaceBytes = 32L << 20;

    private readonly CudaSession _session;
    private readonly CublasLtMatmulDescriptor _descriptor;
    private readonly CublasLtMatrixLayout _a;
    private readonly CublasLtMatrixLayout _b;
    private readonly CublasLtMatrixLayout _d;
    private readonly bool _hasAddend;
    private cublasLtMatmulAlgo_t _algorithm;

    /// <exception cref="CublasLtException">No algorithm of this rank takes it.</exception>
    internal MatrixProduct(CudaSession session, Factor a, Factor b, Factor d, Epilogue epilogue, int rank)
    {
        _session = session;
        _hasAddend = epilogue.HasAddend;
        bool isTf32 = session.Options.AllowTf32 && a.Type == DataType.Float32;
        CublasLt.cublasLtMatmulDescCreate(out _descriptor, isTf32 ? cublasComputeType_t.CUBLAS_COMPUTE_32F_FAST_TF32
            : cublasComputeType_t.CUBLAS_COMPUTE_32F, cudaDataType_t.CUDA_R_32F).ThrowIfFailed();
        try
        {
            Set(CUBLASLT_MATMUL_DESC_TRANSA, a.IsTransposed ? cublasOperation_t.CUBLAS_OP_T : cublasOperation_t.CUBLAS_OP_N);
            Set(CUBLASLT_MATMUL_DESC_TRANSB, b.IsTransposed ? cublasOperation_t.CUBLAS_OP_T : cublasOperation_t.CUBLAS_OP_N);
            Set(CUBLASLT_MATMUL_DESC_EPILOGUE, (epilogue.HasBias, epilogue.HasRelu) switch
            {
                (true, true) => cublasLtEpilogue_t.CUBLASLT_EPILOGUE_RELU_BIAS,
                (true, false) => cublasLtEpilogue_t.CUBLASLT_EPILOGUE_BIAS,
                (false, true) => cublasLtEpilogue_t.CUBLASLT_EPILOGUE_RELU,
                _ => cublasLtEpilogue_t.CUBLASLT_EPILOGUE_DEFAULT,
            });
            if (epilogue.HasBias)
                Set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, cudaDataType_t.CUDA_R_32F);
            _a = Layout(a);
            _b = Layout(b);
            _d = Layout(d);
            WorkspaceBytes = Choose(rank);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal long WorkspaceBytes { get; private set; }

    /// <param name="a">First factor.</param>
    /// <param name="b">Second factor.</param>
    /// <param name="d">Result.</param>
    /// <param name="bias">Read where the product was made with a bias.</param>
    /// <param name="addend">Read where the product was made with one.</param>
    /// <param name="workspace">Of <see cref="WorkspaceBytes"/>.</param>
    internal void Run(CUdeviceptr a, CUdeviceptr b, CUdeviceptr d, CUdeviceptr bias, CUdeviceptr addend, CUdeviceptr workspace)
    {
        if (bias.Value != 0)
            Set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
        float one = 1, zero = 0;
        float* beta = _hasAddend ? &one : &zero;
        CUdeviceptr c = _hasAddend ? addend : d;
        fixed (cublasLtMatmulAlgo_t* algorithm = &_algorithm)
            CublasLt.cublasLtMatmul(_session.Products, _descriptor, &one, a.Pointer, _a, b.Pointer, _b, beta, c.Pointer, _d,
                d.Pointer, _d, algorithm, workspace.Pointer, (nuint)WorkspaceBytes, _session.Device.Stream).ThrowIfFailed();
    }

    public void Dispose()
    {
        _descriptor.Dispose();
        _a?.Dispose();
        _b?.Dispose();
        _d?.Dispose();
    }

    private long Choose(int rank)
    {
        CublasLt.cublasLtMatmulPreferenceCreate(out CublasLtMatmulPreference preference).ThrowIfFailed();
        using (preference)
        {
            ulong most = (ulong)Math.Min(MostWorkspaceBytes, _session.Options.WorkspaceLimitBytes);
            CublasLt.cublasLtMatmulPreferenceSetAttribute(preference,
                cublasLtMatmulPreferenceAttributes_t.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &most, sizeof(ulong)).ThrowIfFailed();
            cublasLtMatmulHeuristicResult_t* results = stackalloc cublasLtMatmulHeuristicResult_t[rank + 1];
            CublasLt.cublasLtMatmulAlgoGetHeuristic(_session.Products, _descriptor, _a, _b, _d, _d, preference, rank + 1,
                results, out int count).ThrowIfFailed();
            if (count <= rank)
                throw new CublasLtException("cublasLtMatmulAlgoGetHeuristic", cublasStatus_t.CUBLAS_STATUS_NOT_SUPPORTED);
            results[rank].state.ThrowIfFailed("cublasLtMatmulAlgoGetHeuristic");
            _algorithm = results[rank].algo;
            return (long)results[rank].workspaceSize;
        }
    }

    private void Set<T>(cublasLtMatmulDescAttributes_t attribute, T value) where T : unmanaged =>
        CublasLt.cublasLtMatmulDescSetAttribute(_descriptor, attribute, &value, (nuint)sizeof(T)).ThrowIfFailed();

    private static CublasLtMatrixLayout Layout(Factor factor)
    {
        cudaDataType_t type = factor.Type switch
        {
            DataType.Float32 => cudaDataType_t.CUDA_R_32F,
            DataType.BFloat16 => cudaDataType_t.CUDA_R_16BF,
            DataType.Float16 => cudaDataType_t.CUDA_R_16F,
            _ => throw new ArgumentOutOfRangeException(nameof(factor), factor.Type, "cuBLASLt multiplies float32, bf16 and f16 here."),
        };
        CublasLt.cublasLtMatrixLayoutCreate(out CublasLtMatrixLayout layout, type, (ulong)factor.Rows, (ulong)factor.Columns,
            factor.Rows).ThrowIfFailed();
        return layout;
    }
}
