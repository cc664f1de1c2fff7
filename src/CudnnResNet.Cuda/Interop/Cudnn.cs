using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of cudnn_graph.h (the backend API of cuDNN 9) that the backend calls, name for name.</summary>
internal static unsafe partial class Cudnn
{
    internal const string Library = "cudnn";

    [LibraryImport(Library)]
    internal static partial nuint cudnnGetVersion();

    [LibraryImport(Library)]
    internal static partial nuint cudnnGetCudartVersion();

    [LibraryImport(Library)]
    internal static partial byte* cudnnGetErrorString(cudnnStatus_t status);

    [LibraryImport(Library)]
    internal static partial void cudnnGetLastErrorString(byte* message, nuint max_size);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnCreate(out CudnnHandle handle);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnDestroy(nint handle);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnSetStream(CudnnHandle handle, CUstream streamId);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendCreateDescriptor(
        cudnnBackendDescriptorType_t descriptorType, out CudnnBackendDescriptor descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendDestroyDescriptor(nint descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendFinalize(CudnnBackendDescriptor descriptor);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendSetAttribute(CudnnBackendDescriptor descriptor,
        cudnnBackendAttributeName_t attributeName, cudnnBackendAttributeType_t attributeType, long elementCount,
        void* arrayOfElements);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendGetAttribute(CudnnBackendDescriptor descriptor,
        cudnnBackendAttributeName_t attributeName, cudnnBackendAttributeType_t attributeType,
        long requestedElementCount, out long elementCount, void* arrayOfElements);

    [LibraryImport(Library)]
    internal static partial cudnnStatus_t cudnnBackendExecute(
        CudnnHandle handle, CudnnBackendDescriptor executionPlan, CudnnBackendDescriptor variantPack);
}
