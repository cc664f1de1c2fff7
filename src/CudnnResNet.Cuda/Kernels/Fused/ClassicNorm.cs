using CudnnResNet.Cuda.Engines;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Fused;

/// <summary>Where the operands of a batch norm lie; the addend is null without an add.</summary>
internal readonly record struct ClassicNormOperands(CUdeviceptr X, CUdeviceptr Addend, CUdeviceptr Y, CUdeviceptr Scale,
    CUdeviceptr Bias, CUdeviceptr RunningMean, CUdeviceptr RunningVariance, CUdeviceptr SavedMean, CUdeviceptr SavedInverseDeviation,
    CUdeviceptr Workspace, CUdeviceptr Reserve);

/// <summary>Descriptors of a batch norm in cuDNN's API before graphs.</summary>
internal sealed unsafe class ClassicNorm : IDisposable
{
    private readonly CudaSession _session;
    private readonly BatchNormTraining _norm;
    private readonly cudnnBatchNormOps_t _operations;
    private readonly CudnnTensorDescriptor _x;
    private readonly CudnnTensorDescriptor _vector;
    private readonly CudnnActivationDescriptor _activation;

    /// <exception cref="CudnnException">cuDNN does not take it.</exception>
    internal ClassicNorm(CudaSession session, Problem problem)
    {
        _session = session;
        _norm = (BatchNormTraining)problem.Operations[0];
        _operations = problem.Operations.Length switch
        {
            1 => cudnnBatchNormOps_t.CUDNN_BATCHNORM_OPS_BN,
            2 => cudnnBatchNormOps_t.CUDNN_BATCHNORM_OPS_BN_ACTIVATION,
            _ => cudnnBatchNormOps_t.CUDNN_BATCHNORM_OPS_BN_ADD_ACTIVATION,
        };
        TensorShape s = problem.Input(0, 0).Shape;
        CudnnClassic.cudnnCreateTensorDescriptor(out _x).ThrowIfFailed();
        CudnnClassic.cudnnCreateTensorDescriptor(out _vector).ThrowIfFailed();
        CudnnClassic.cudnnCreateActivationDescriptor(out _activation).ThrowIfFailed();
        try
        {
            CudnnClassic.cudnnSetTensor4dDescriptorEx(_x, OperationGraph.TypeOf(problem.Input(0, 0).Type), s.N, s.C, s.H, s.W,
                checked(s.H * s.W * s.C), 1, checked(s.W * s.C), s.C).ThrowIfFailed();
            CudnnClassic.cudnnSetTensor4dDescriptorEx(_vector, cudnnDataType_t.CUDNN_DATA_FLOAT, 1, s.C, 1, 1, s.C, 1, s.C, s.C).ThrowIfFailed();
            CudnnClassic.cudnnSetActivationDescriptor(_activation, cudnnActivationMode_t.CUDNN_ACTIVATION_RELU,
                cudnnNanPropagation_t.CUDNN_PROPAGATE_NAN, 0).ThrowIfFailed();
            CudnnClassic.cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(session.Cudnn, Mode, _operations, _x, _x, _x,
                _vector, _activation, out nuint workspace).ThrowIfFailed();
            CudnnClassic.cudnnGetBatchNormalizationTrainingExReserveSpaceSize(session.Cudnn, Mode, _operations, _activation, _x,
                out nuint reserve).ThrowIfFailed();
            (WorkspaceBytes, ReserveBytes) = ((long)workspace, (long)reserve);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal long WorkspaceBytes { get; }

    internal long ReserveBytes { get; }

    private static cudnnBatchNormMode_t Mode => cudnnBatchNormMode_t.CUDNN_BATCHNORM_SPATIAL_PERSISTENT;

    internal void Run(in ClassicNormOperands at)
    {
        float one = 1, zero = 0;
        cudnnStatus_t status = CudnnClassic.cudnnBatchNormalizationForwardTrainingEx(_session.Cudnn, Mode, _operations, &one, &zero, _x, at.X.Pointer,
            _x, at.Addend.Pointer, _x, at.Y.Pointer, _vector, at.Scale.Pointer, at.Bias.Pointer, _norm.Momentum,
            at.RunningMean.Pointer, at.RunningVariance.Pointer, _norm.Epsilon, at.SavedMean.Pointer, at.SavedInverseDeviation.Pointer,
            _activation, at.Workspace.Pointer, (nuint)WorkspaceBytes, at.Reserve.Pointer, (nuint)ReserveBytes);
        if (status == cudnnStatus_t.CUDNN_STATUS_SUCCESS)
            return;
        CudnnException error = new(nameof(CudnnClassic.cudnnBatchNormalizationForwardTrainingEx), status);
        throw status.IsRefusal ? new KernelRefusedException(error.Message, error) : error;
    }

    public void Dispose()
    {
        _x.Dispose();
        _vector.Dispose();
        _activation.Dispose();
    }
}
