using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>One owner for each native object of cuDNN.</summary>
internal abstract class CudnnOwner() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected sealed override bool ReleaseHandle() => Destroy(handle) == cudnnStatus_t.CUDNN_STATUS_SUCCESS;

    private protected abstract cudnnStatus_t Destroy(nint value);
}

internal sealed class CudnnHandle : CudnnOwner
{
    /// <summary>For attributes; this owner must outlive the descriptor.</summary>
    internal nint Borrow() => handle;

    private protected override cudnnStatus_t Destroy(nint value) => Cudnn.cudnnDestroy(value);
}

internal sealed class CudnnBackendDescriptor : CudnnOwner
{
    /// <summary>For attributes that hold descriptors; this owner must outlive the parent.</summary>
    internal nint Borrow() => handle;

    private protected override cudnnStatus_t Destroy(nint value) => Cudnn.cudnnBackendDestroyDescriptor(value);
}

internal sealed class CudnnTensorDescriptor : CudnnOwner
{
    private protected override cudnnStatus_t Destroy(nint value) => CudnnClassic.cudnnDestroyTensorDescriptor(value);
}

internal sealed class CudnnFilterDescriptor : CudnnOwner
{
    private protected override cudnnStatus_t Destroy(nint value) => CudnnClassic.cudnnDestroyFilterDescriptor(value);
}

internal sealed class CudnnConvolutionDescriptor : CudnnOwner
{
    private protected override cudnnStatus_t Destroy(nint value) => CudnnClassic.cudnnDestroyConvolutionDescriptor(value);
}

internal sealed class CudnnActivationDescriptor : CudnnOwner
{
    private protected override cudnnStatus_t Destroy(nint value) => CudnnClassic.cudnnDestroyActivationDescriptor(value);
}
