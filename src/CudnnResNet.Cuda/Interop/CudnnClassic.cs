using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>
/// The functions of cudnn_ops.h and cudnn_cnn.h that the backend calls, name for name: the API before graphs, which is
/// deprecated, still exported, and refuses the least.
/// </summary>
internal static unsafe partial class CudnnClassic
{
    private const string Library = Cudnn.Library;

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnCreateTensorDescriptor(out CudnnTensorDescriptor tensorDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnDestroyTensorDescriptor(nint tensorDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetTensor4dDescriptorEx(CudnnTensorDescriptor tensorDesc,
        cudnnDataType_t dataType, int n, int c, int h, int w, int nStride, int cStride, int hStride, int wStride);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnCreateFilterDescriptor(out CudnnFilterDescriptor filterDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnDestroyFilterDescriptor(nint filterDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetFilter4dDescriptor(CudnnFilterDescriptor filterDesc,
        cudnnDataType_t dataType, cudnnTensorFormat_t format, int k, int c, int h, int w);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnCreateConvolutionDescriptor(out CudnnConvolutionDescriptor convDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnDestroyConvolutionDescriptor(nint convDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetConvolution2dDescriptor(CudnnConvolutionDescriptor convDesc,
        int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
        cudnnDataType_t computeType);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetConvolutionMathType(
        CudnnConvolutionDescriptor convDesc, cudnnMathType_t mathType);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(CudnnHandle handle,
        CudnnTensorDescriptor srcDesc, CudnnFilterDescriptor filterDesc, CudnnConvolutionDescriptor convDesc,
        CudnnTensorDescriptor destDesc, int requestedAlgoCount, out int returnedAlgoCount,
        cudnnConvolutionAlgoPerf_t* perfResults);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnConvolutionForward(CudnnHandle handle, void* alpha,
        CudnnTensorDescriptor xDesc, void* x, CudnnFilterDescriptor wDesc, void* w,
        CudnnConvolutionDescriptor convDesc, cudnnConvolutionFwdAlgo_t algo, void* workSpace,
        nuint workSpaceSizeInBytes, void* beta, CudnnTensorDescriptor yDesc, void* y);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(CudnnHandle handle,
        CudnnFilterDescriptor filterDesc, CudnnTensorDescriptor diffDesc, CudnnConvolutionDescriptor convDesc,
        CudnnTensorDescriptor gradDesc, int requestedAlgoCount, out int returnedAlgoCount,
        cudnnConvolutionAlgoPerf_t* perfResults);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnConvolutionBackwardData(CudnnHandle handle, void* alpha,
        CudnnFilterDescriptor wDesc, void* w, CudnnTensorDescriptor dyDesc, void* dy,
        CudnnConvolutionDescriptor convDesc, cudnnConvolutionBwdDataAlgo_t algo, void* workSpace,
        nuint workSpaceSizeInBytes, void* beta, CudnnTensorDescriptor dxDesc, void* dx);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(CudnnHandle handle,
        CudnnTensorDescriptor srcDesc, CudnnTensorDescriptor diffDesc, CudnnConvolutionDescriptor convDesc,
        CudnnFilterDescriptor gradDesc, int requestedAlgoCount, out int returnedAlgoCount,
        cudnnConvolutionAlgoPerf_t* perfResults);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnConvolutionBackwardFilter(CudnnHandle handle, void* alpha,
        CudnnTensorDescriptor xDesc, void* x, CudnnTensorDescriptor dyDesc, void* dy,
        CudnnConvolutionDescriptor convDesc, cudnnConvolutionBwdFilterAlgo_t algo, void* workSpace,
        nuint workSpaceSizeInBytes, void* beta, CudnnFilterDescriptor dwDesc, void* dw);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnCreateActivationDescriptor(out CudnnActivationDescriptor activationDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnDestroyActivationDescriptor(nint activationDesc);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetActivationDescriptor(CudnnActivationDescriptor activationDesc,
        cudnnActivationMode_t mode, cudnnNanPropagation_t reluNanOpt, double coef);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnGetBatchNormalizationForwardTrainingExWorkspaceSize(CudnnHandle handle,
        cudnnBatchNormMode_t mode, cudnnBatchNormOps_t bnOps, CudnnTensorDescriptor xDesc,
        CudnnTensorDescriptor zDesc, CudnnTensorDescriptor yDesc, CudnnTensorDescriptor bnScaleBiasMeanVarDesc,
        CudnnActivationDescriptor activationDesc, out nuint sizeInBytes);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnGetBatchNormalizationTrainingExReserveSpaceSize(CudnnHandle handle,
        cudnnBatchNormMode_t mode, cudnnBatchNormOps_t bnOps, CudnnActivationDescriptor activationDesc,
        CudnnTensorDescriptor xDesc, out nuint sizeInBytes);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBatchNormalizationForwardTrainingEx(CudnnHandle handle,
        cudnnBatchNormMode_t mode, cudnnBatchNormOps_t bnOps, void* alpha, void* beta, CudnnTensorDescriptor xDesc,
        void* xData, CudnnTensorDescriptor zDesc, void* zData, CudnnTensorDescriptor yDesc, void* yData,
        CudnnTensorDescriptor bnScaleBiasMeanVarDesc, void* bnScale, void* bnBias, double exponentialAverageFactor,
        void* resultRunningMean, void* resultRunningVariance, double epsilon, void* resultSaveMean,
        void* resultSaveInvVariance, CudnnActivationDescriptor activationDesc, void* workspace,
        nuint workSpaceSizeInBytes, void* reserveSpace, nuint reserveSpaceSizeInBytes);
}
