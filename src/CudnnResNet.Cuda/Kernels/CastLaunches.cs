using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>Conversions between element types, round to nearest even.</summary>
internal sealed class CastLaunches(CudaSession session)
{
    internal KernelLaunch Create(DataType from, CUdeviceptr x, DataType to, CUdeviceptr y, long elements) =>
        session.Launch("pointwise.cu", $"cast_{from.ShortName()}_{to.ShortName()}", elements / 4, [x, y, elements]);
}
