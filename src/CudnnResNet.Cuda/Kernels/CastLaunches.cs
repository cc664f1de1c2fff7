using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels;

/// <summary>Conversions between element types, round to nearest even.</summary>
internal sealed class CastLaunches(CudaSession session)
{
    internal KernelLaunch Create(DataType from, CUdeviceptr x, DataType to, CUdeviceptr y, long elements) =>
        session.Launch("pointwise.cu", $"cast_{from.ShortName()}_{to.ShortName()}", elements / 4, [x, y, elements]);

    /// <summary>Rows of channels in another type and number: zeros are added, or the last ones left out.</summary>
    internal KernelLaunch CreatePadded(DataType from, CUdeviceptr x, int channels, DataType to, CUdeviceptr y, int paddedChannels, long rows) =>
        session.Launch("pointwise.cu", $"pad_channels_{from.ShortName()}_{to.ShortName()}", rows, [x, y, rows, channels, paddedChannels]);
}
