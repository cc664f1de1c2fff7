using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// NPP's resize, one call an image: bilinear between four pixels, without antialiasing, and so for training alone. Mirroring
/// and normalising are left to the own kernel.
/// </summary>
internal sealed class NppResizer : IDisposable
{
    private readonly NppStreamContext _context;
    private readonly CudaArena _scaled;
    private readonly TensorShape _shape;
    private readonly ImageView[] _views;

    private NppResizer(CudaDevice device, PinnedStaging staging, InputPath path, TensorShape shape)
    {
        _shape = shape;
        _views = new ImageView[shape.N];
        _context = new NppStreamContext
        {
            hStream = path.Stream,
            nCudaDeviceId = device.Ordinal,
            nMultiProcessorCount = device.Multiprocessors,
            nMaxThreadsPerMultiProcessor = device.ThreadsPerMultiprocessor,
            nMaxThreadsPerBlock = device.ThreadsPerBlock,
            nSharedMemPerBlock = (nuint)device.SharedBytesPerBlock,
            nCudaDevAttrComputeCapabilityMajor = device.Architecture / 10,
            nCudaDevAttrComputeCapabilityMinor = device.Architecture % 10,
            nStreamFlags = path.StreamFlags,
        };
        _scaled = new CudaArena(shape.Elements, device, staging);
        path.FollowDevice();
    }

    /// <summary>NPP is on this machine.</summary>
    internal static bool IsThere => CudaLibraries.TryLoad(CudaLibraries.Npp) is not null;

    /// <exception cref="MemoryShortageException">There is no room for the scaled images.</exception>
    internal static NppResizer Create(CudaDevice device, PinnedStaging staging, InputPath path, TensorShape shape) =>
        new(device, staging, path, shape);

    /// <summary>Scales each image to the batch's size; needs the device's context.</summary>
    /// <param name="views">Parts that fill the batch's images.</param>
    /// <returns>The scaled images, which are to be mirrored where the parts were.</returns>
    /// <exception cref="NppException">NPP refused.</exception>
    internal ReadOnlySpan<ImageView> Resize(ReadOnlySpan<ImageView> views)
    {
        int step = _shape.W * ImageResampler.Channels;
        for (int i = 0; i < views.Length; i++)
        {
            ImageView view = views[i];
            CUdeviceptr to = _scaled.Address(new Region((long)i * _shape.H * step, (long)_shape.H * step));
            Npp.nppiResize_8u_C3R_Ctx(view.Pixels, (int)view.StrideBytes, new NppiSize(view.Width, view.Height),
                new NppiRect(0, 0, view.Width, view.Height), to, step, new NppiSize(_shape.W, _shape.H),
                new NppiRect(0, 0, _shape.W, _shape.H), NppiInterpolationMode.NPPI_INTER_LINEAR, _context).ThrowIfFailed();
            _views[i] = view with { Pixels = to, StrideBytes = step, Width = _shape.W, Height = _shape.H };
        }
        return _views;
    }

    public void Dispose() => _scaled.Dispose();
}
