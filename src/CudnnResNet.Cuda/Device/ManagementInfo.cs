using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>What NVML says of a device; null where NVML is not there or does not say.</summary>
internal static unsafe class ManagementInfo
{
    internal static CudaDeviceState? Of(CUdevice device)
    {
        const int BusIdBytes = 32;
        byte* busId = stackalloc byte[BusIdBytes];
        if (CudaLibraries.TryLoad(CudaLibraries.Nvml) is null
            || CudaDriver.cuDeviceGetPCIBusId(busId, BusIdBytes, device) != CUresult.CUDA_SUCCESS
            || Nvml.nvmlInit_v2() != nvmlReturn_t.NVML_SUCCESS)
            return null;
        try
        {
            return Nvml.nvmlDeviceGetHandleByPciBusId_v2(busId, out nvmlDevice_t handle) == nvmlReturn_t.NVML_SUCCESS
                && Nvml.nvmlDeviceGetClockInfo(handle, nvmlClockType_t.NVML_CLOCK_SM, out uint clock) == nvmlReturn_t.NVML_SUCCESS
                && Nvml.nvmlDeviceGetMaxClockInfo(handle, nvmlClockType_t.NVML_CLOCK_SM, out uint fastest) == nvmlReturn_t.NVML_SUCCESS
                && Nvml.nvmlDeviceGetMemoryInfo(handle, out nvmlMemory_t memory) == nvmlReturn_t.NVML_SUCCESS
                ? new CudaDeviceState((int)clock, (int)fastest, (long)memory.free)
                : null;
        }
        finally
        {
            _ = Nvml.nvmlShutdown();
        }
    }
}
