using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Convolution;

/// <summary>Descriptors and algorithm of a convolution in cuDNN's API before graphs.</summary>
internal sealed unsafe class ClassicConvolution : IDisposable
{
    private const int MostAlgorithms = 16;

    private readonly CudaSession _session;
    private readonly CudnnTensorDescriptor _x;
    private readonly CudnnFilterDescriptor _w;
    private readonly CudnnConvolutionDescriptor _convolution;
    private readonly CudnnTensorDescriptor _y;
    private readonly int _algorithm;

    /// <exception cref="CudnnException">No algorithm takes it.</exception>
    internal ClassicConvolution(CudaSession session, ConvolutionProblem problem)
    {
        _session = session;
        Problem = problem;
        cudnnDataType_t type = OperationGraph.TypeOf(problem.Type);
        ConvolutionGeometry g = problem.Geometry;
        try
        {
            CudnnClassic.cudnnCreateTensorDescriptor(out _x).ThrowIfFailed();
            SetActivations(_x, problem.X, type);
            CudnnClassic.cudnnCreateTensorDescriptor(out _y).ThrowIfFailed();
            SetActivations(_y, problem.Y, type);
            CudnnClassic.cudnnCreateFilterDescriptor(out _w).ThrowIfFailed();
            CudnnClassic.cudnnSetFilter4dDescriptor(_w, type, cudnnTensorFormat_t.CUDNN_TENSOR_NHWC, g.K, g.C, g.R, g.S).ThrowIfFailed();
            CudnnClassic.cudnnCreateConvolutionDescriptor(out _convolution).ThrowIfFailed();
            CudnnClassic.cudnnSetConvolution2dDescriptor(_convolution, g.Padding, g.Padding, g.Stride, g.Stride, 1, 1,
                cudnnConvolutionMode_t.CUDNN_CROSS_CORRELATION, cudnnDataType_t.CUDNN_DATA_FLOAT).ThrowIfFailed();
            // The default rounds float32 to TF32 where the device has it.
            cudnnMathType_t math = problem.Type == DataType.Float32 && !session.Options.AllowTf32
                ? cudnnMathType_t.CUDNN_FMA_MATH
                : cudnnMathType_t.CUDNN_TENSOR_OP_MATH;
            CudnnClassic.cudnnSetConvolutionMathType(_convolution, math).ThrowIfFailed();
            cudnnConvolutionAlgoPerf_t chosen = Choose();
            _algorithm = chosen.algo;
            WorkspaceBytes = (long)chosen.memory;
            if (chosen.mathType != math && chosen.mathType != cudnnMathType_t.CUDNN_DEFAULT_MATH)
                CudnnClassic.cudnnSetConvolutionMathType(_convolution, chosen.mathType).ThrowIfFailed();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ConvolutionProblem Problem { get; }

    internal long WorkspaceBytes { get; }

    internal void Run(CUdeviceptr x, CUdeviceptr w, CUdeviceptr y, CUdeviceptr workspace)
    {
        float one = 1, zero = 0;
        CudnnHandle handle = _session.Cudnn;
        nuint bytes = (nuint)WorkspaceBytes;
        cudnnStatus_t status = Problem.Pass switch
        {
            ConvolutionPass.Forward => CudnnClassic.cudnnConvolutionForward(handle, &one, _x, x.Pointer, _w, w.Pointer,
                _convolution, (cudnnConvolutionFwdAlgo_t)_algorithm, workspace.Pointer, bytes, &zero, _y, y.Pointer),
            ConvolutionPass.BackwardData => CudnnClassic.cudnnConvolutionBackwardData(handle, &one, _w, w.Pointer, _y, y.Pointer,
                _convolution, (cudnnConvolutionBwdDataAlgo_t)_algorithm, workspace.Pointer, bytes, &zero, _x, x.Pointer),
            _ => CudnnClassic.cudnnConvolutionBackwardFilter(handle, &one, _x, x.Pointer, _y, y.Pointer, _convolution,
                (cudnnConvolutionBwdFilterAlgo_t)_algorithm, workspace.Pointer, bytes, &zero, _w, w.Pointer),
        };
        if (status != cudnnStatus_t.CUDNN_STATUS_SUCCESS)
            throw new CudnnException($"cudnnConvolution{Problem.Pass}(algorithm {_algorithm})", status);
    }

    public void Dispose()
    {
        _x?.Dispose();
        _w?.Dispose();
        _y?.Dispose();
        _convolution?.Dispose();
    }

    /// <summary>The first of cuDNN's list, which is in order of expected time, that the options allow.</summary>
    private cudnnConvolutionAlgoPerf_t Choose()
    {
        cudnnConvolutionAlgoPerf_t* found = stackalloc cudnnConvolutionAlgoPerf_t[MostAlgorithms];
        int count;
        cudnnStatus_t status = Problem.Pass switch
        {
            ConvolutionPass.Forward => CudnnClassic.cudnnGetConvolutionForwardAlgorithm_v7(
                _session.Cudnn, _x, _w, _convolution, _y, MostAlgorithms, out count, found),
            ConvolutionPass.BackwardData => CudnnClassic.cudnnGetConvolutionBackwardDataAlgorithm_v7(
                _session.Cudnn, _w, _y, _convolution, _x, MostAlgorithms, out count, found),
            _ => CudnnClassic.cudnnGetConvolutionBackwardFilterAlgorithm_v7(
                _session.Cudnn, _x, _y, _convolution, _w, MostAlgorithms, out count, found),
        };
        status.ThrowIfFailed($"cudnnGetConvolution{Problem.Pass}Algorithm_v7");
        bool isStrict = Problem.Type == DataType.Float32 && !_session.Options.AllowTf32;
        for (int i = 0; i < count; i++)
        {
            cudnnConvolutionAlgoPerf_t candidate = found[i];
            if (candidate.status == cudnnStatus_t.CUDNN_STATUS_SUCCESS
                && (long)candidate.memory <= _session.Options.WorkspaceLimitBytes
                && (!_session.Options.IsDeterministic || candidate.determinism == cudnnDeterminism_t.CUDNN_DETERMINISTIC)
                && (!isStrict || candidate.mathType is cudnnMathType_t.CUDNN_FMA_MATH or cudnnMathType_t.CUDNN_DEFAULT_MATH))
                return isStrict ? candidate with { mathType = cudnnMathType_t.CUDNN_FMA_MATH } : candidate;
        }
        throw new CudnnException($"cudnnGetConvolution{Problem.Pass}Algorithm_v7", cudnnStatus_t.CUDNN_STATUS_NOT_SUPPORTED);
    }

    private static void SetActivations(CudnnTensorDescriptor tensor, Value value, cudnnDataType_t type)
    {
        TensorShape s = value.Shape;
        CudnnClassic.cudnnSetTensor4dDescriptorEx(tensor, type, s.N, s.C, s.H, s.W,
            checked(s.H * s.W * s.C), 1, checked(s.W * s.C), s.C).ThrowIfFailed();
    }
}
