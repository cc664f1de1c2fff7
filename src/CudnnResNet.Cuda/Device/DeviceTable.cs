using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>A constant array in device memory, which kernels read from launch to launch.</summary>
internal sealed unsafe class DeviceTable : IDisposable
{
    private readonly CudaDevice _device;

    private DeviceTable(CudaDevice device, CUdeviceptr address)
    {
        _device = device;
        Address = address;
    }

    internal CUdeviceptr Address { get; private set; }

    /// <exception cref="CudaLibraryException">There is no memory for it.</exception>
    internal static DeviceTable Of<T>(CudaDevice device, ReadOnlySpan<T> rows) where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(rows);
        using ContextScope scope = device.Enter();
        CudaDriver.cuMemAlloc_v2(out CUdeviceptr address, (nuint)bytes.Length).ThrowIfFailed();
        DeviceTable table = new(device, address);
        try
        {
            // From pageable memory: the call returns when the bytes have been taken over.
            fixed (byte* source = bytes)
                CudaDriver.cuMemcpyHtoDAsync_v2(address, source, (nuint)bytes.Length, device.Stream).ThrowIfFailed();
            CudaDriver.cuStreamSynchronize(device.Stream).ThrowIfFailed();
            return table;
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (Address.Value == 0)
            return;
        CUdeviceptr address = Address;
        Address = default;
        using ContextScope scope = _device.EnterForRelease();
        // In a lost context it refuses; the memory ends with the context.
        _ = CudaDriver.cuMemFree_v2(address);
    }
}
