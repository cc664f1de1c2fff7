using System.Runtime.InteropServices;

namespace CudnnResNet.Cuda.Interop;

/// <summary>The functions of cuda.h that the backend calls, by the names that the driver exports.</summary>
internal static unsafe partial class CudaDriver
{
    internal const string Library = "cuda";

    [LibraryImport(Library)]
    internal static partial CUresult cuInit(uint Flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuDriverGetVersion(out int driverVersion);

    [LibraryImport(Library)]
    internal static partial CUresult cuGetErrorString(CUresult error, out byte* pStr);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGet(out CUdevice device, int ordinal);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGetName(byte* name, int len, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGetPCIBusId(byte* pciBusId, int len, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceTotalMem_v2(out nuint bytes, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGetAttribute(out int pi, CUdevice_attribute attrib, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuDevicePrimaryCtxRetain(out CUcontext pctx, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuCtxPushCurrent_v2(CUcontext ctx);

    [LibraryImport(Library)]
    internal static partial CUresult cuCtxPopCurrent_v2(out CUcontext pctx);

    [LibraryImport(Library)]
    internal static partial CUresult cuCtxGetDevice(out CUdevice device);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemGetInfo_v2(out nuint free, out nuint total);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemAlloc_v2(out CUdeviceptr dptr, nuint bytesize);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemFree_v2(CUdeviceptr dptr);

    [LibraryImport(Library)]
    internal static partial CUresult cuDeviceGetDefaultMemPool(out CUmemoryPool pool_out, CUdevice dev);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemPoolTrimTo(CUmemoryPool pool, nuint minBytesToKeep);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemAllocAsync(out CUdeviceptr dptr, nuint bytesize, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemHostAlloc(out void* pp, nuint bytesize, uint Flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemFreeHost(void* p);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemcpyHtoDAsync_v2(
        CUdeviceptr dstDevice, void* srcHost, nuint ByteCount, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemcpyDtoHAsync_v2(
        void* dstHost, CUdeviceptr srcDevice, nuint ByteCount, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemcpyDtoDAsync_v2(
        CUdeviceptr dstDevice, CUdeviceptr srcDevice, nuint ByteCount, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuMemsetD8Async(CUdeviceptr dstDevice, byte uc, nuint N, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamCreate(out CudaStream phStream, CUstream_flags Flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamDestroy_v2(nint hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamSynchronize(CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamWaitEvent(CUstream hStream, CudaEvent hEvent, uint Flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamBeginCapture_v2(CUstream hStream, CUstreamCaptureMode mode);

    [LibraryImport(Library)]
    internal static partial CUresult cuStreamEndCapture(CUstream hStream, out CudaGraph phGraph);

    [LibraryImport(Library)]
    internal static partial CUresult cuEventCreate(out CudaEvent phEvent, CUevent_flags Flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuEventDestroy_v2(nint hEvent);

    [LibraryImport(Library)]
    internal static partial CUresult cuEventRecord(CudaEvent hEvent, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuEventSynchronize(CudaEvent hEvent);

    [LibraryImport(Library)]
    internal static partial CUresult cuEventElapsedTime(out float pMilliseconds, CudaEvent hStart, CudaEvent hEnd);

    [LibraryImport(Library)]
    internal static partial CUresult cuModuleLoadData(out CudaModule module, void* image);

    [LibraryImport(Library)]
    internal static partial CUresult cuModuleUnload(nint hmod);

    [LibraryImport(Library)]
    internal static partial CUresult cuModuleGetFunction(out CUfunction hfunc, CudaModule hmod, byte* name);

    [LibraryImport(Library)]
    internal static partial CUresult cuLaunchKernel(CUfunction f, uint gridDimX, uint gridDimY, uint gridDimZ,
        uint blockDimX, uint blockDimY, uint blockDimZ, uint sharedMemBytes, CUstream hStream, void** kernelParams,
        void** extra);

    [LibraryImport(Library)]
    internal static partial CUresult cuGraphDestroy(nint hGraph);

    [LibraryImport(Library)]
    internal static partial CUresult cuGraphInstantiateWithFlags(
        out CudaGraphExec phGraphExec, CudaGraph hGraph, ulong flags);

    [LibraryImport(Library)]
    internal static partial CUresult cuGraphUpload(CudaGraphExec hGraphExec, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuGraphLaunch(CudaGraphExec hGraphExec, CUstream hStream);

    [LibraryImport(Library)]
    internal static partial CUresult cuGraphExecDestroy(nint hGraphExec);
}
