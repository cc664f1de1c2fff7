using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Tests.Cuda;

/// <summary>A copy within an arena, as a kernel that can be recorded.</summary>
internal sealed class DeviceCopy(CudaDevice device, CudaArena arena, long from, long to) : LoadedKernel
{
    public const int Bytes = 64;

    public override void Run()
    {
        using ContextScope scope = device.Enter();
        CudaDriver.cuMemcpyDtoDAsync_v2(arena.Address(new Region(to, Bytes)), arena.Address(new Region(from, Bytes)), Bytes, device.Stream).ThrowIfFailed();
    }
}
