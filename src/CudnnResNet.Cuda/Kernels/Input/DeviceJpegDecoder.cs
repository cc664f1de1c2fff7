using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// nvJPEG: a batch of files to interleaved RGB in device memory, by the hardware decoder where there is one. Chroma is
/// smoothed as libjpeg-turbo does.
/// </summary>
internal sealed unsafe class DeviceJpegDecoder : IDisposable
{
    private readonly CudaDevice _device;
    private readonly NvJpegHandle _handle;
    private readonly NvJpegState _state;
    private readonly int _mostImages;

    /// <summary>[_mostImages] of each; native, because a call reads them all at once.</summary>
    private readonly byte** _files;
    private readonly nuint* _lengths;
    private readonly nvjpegImage_t* _destinations;
    private readonly int[] _numbers;

    /// <summary>nvJPEG may read a file until the batch is decoded, and its owner may change it before. Does not move.</summary>
    private readonly byte[][] _copies;
    private int _count;
    private int _initialized;

    private DeviceJpegDecoder(CudaDevice device, NvJpegHandle handle, NvJpegState state, int mostImages)
    {
        (_device, _handle, _state, _mostImages) = (device, handle, state, mostImages);
        _files = (byte**)NativeMemory.Alloc((nuint)mostImages, (nuint)sizeof(byte*));
        _lengths = (nuint*)NativeMemory.Alloc((nuint)mostImages, (nuint)sizeof(nuint));
        _destinations = (nvjpegImage_t*)NativeMemory.AllocZeroed((nuint)mostImages, (nuint)sizeof(nvjpegImage_t));
        _numbers = new int[mostImages];
        _copies = new byte[mostImages][];
        Array.Fill(_copies, []);
    }

    /// <summary>A decoder for batches of at most so many images.</summary>
    /// <param name="device">Decodes.</param>
    /// <param name="mostImages">Of a batch.</param>
    /// <param name="refusal">Why there is none, and the host must decode; null where there is one.</param>
    internal static DeviceJpegDecoder? TryOpen(CudaDevice device, int mostImages, out string? refusal)
    {
        if (CudaLibraries.TryLoad(CudaLibraries.NvJpeg) is null)
        {
            refusal = CudaLibraries.Missing(CudaLibraries.NvJpeg);
            return null;
        }
        using ContextScope scope = device.Enter();
        try
        {
            NvJpegHandle handle = Create();
            try
            {
                NvJpeg.nvjpegJpegStateCreate(handle, out NvJpegState state).ThrowIfFailed();
                refusal = null;
                return new DeviceJpegDecoder(device, handle, state, mostImages);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is NvJpegException or EntryPointNotFoundException)
        {
            refusal = error.Message;
            return null;
        }
    }

    /// <summary>Puts an image into the next batch. The batch before must not be in flight.</summary>
    /// <param name="image">A file; it is copied.</param>
    /// <param name="number">By which it is named where it fails.</param>
    /// <param name="destination">Receives 3 * Width bytes a row.</param>
    internal void Add(EncodedImage image, int number, CUdeviceptr destination)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(_count, _mostImages);
        if (_copies[_count].Length < image.Length)
            _copies[_count] = GC.AllocateUninitializedArray<byte>(checked(image.Length + image.Length / 2), pinned: true);
        image.Bytes.CopyTo(_copies[_count]);
        fixed (byte* file = _copies[_count])
            _files[_count] = file;
        _lengths[_count] = (nuint)image.Length;
        _destinations[_count].channel = destination;
        _destinations[_count].pitch = 3 * (nuint)image.Width;
        _numbers[_count++] = number;
    }

    /// <summary>Decodes what was added.</summary>
    /// <param name="stream">In whose order. It has come to its end when the decoder is disposed of.</param>
    /// <param name="failed">Receives the numbers of images that nvJPEG does not read.</param>
    /// <returns>How many failed.</returns>
    /// <exception cref="NvJpegException">The library or the device failed, whatever the images are.</exception>
    internal int Decode(CUstream stream, Span<int> failed)
    {
        int count = _count;
        _count = 0;
        if (count == 0)
            return 0;
        using ContextScope scope = _device.Enter();
        if (_initialized != count)
            NvJpeg.nvjpegDecodeBatchedInitialize(_handle, _state, count, Environment.ProcessorCount, nvjpegOutputFormat_t.NVJPEG_OUTPUT_RGBI).ThrowIfFailed();
        nvjpegStatus_t status = NvJpeg.nvjpegDecodeBatched(_handle, _state, _files, _lengths, _destinations, stream);
        if (status == nvjpegStatus_t.NVJPEG_STATUS_SUCCESS)
        {
            _initialized = count;
            return 0;
        }
        // Behind a failure the batch is to be initialized again.
        _initialized = 0;
        if (!status.IsAboutTheImage)
            status.ThrowIfFailed("nvjpegDecodeBatched");
        return DecodeEach(count, stream, failed);
    }

    /// <summary>One by one, to find those at fault.</summary>
    private int DecodeEach(int count, CUstream stream, Span<int> failed)
    {
        int failures = 0;
        for (int i = 0; i < count; i++)
        {
            nvjpegStatus_t status = NvJpeg.nvjpegDecode(_handle, _state, _files[i], _lengths[i],
                nvjpegOutputFormat_t.NVJPEG_OUTPUT_RGBI, &_destinations[i], stream);
            if (status.IsAboutTheImage)
                failed[failures++] = _numbers[i];
            else
                status.ThrowIfFailed("nvjpegDecode");
        }
        return failures;
    }

    public void Dispose()
    {
        if (_handle.IsClosed)
            return;
        using ContextScope scope = _device.EnterForRelease();
        _device.Drain();
        _state.Dispose();
        _handle.Dispose();
        NativeMemory.Free(_files);
        NativeMemory.Free(_lengths);
        NativeMemory.Free(_destinations);
    }

    private static NvJpegHandle Create()
    {
        const nvjpegFlags Flags = nvjpegFlags.NVJPEG_FLAGS_UPSAMPLING_WITH_INTERPOLATION;
        if (NvJpeg.nvjpegCreateEx(nvjpegBackend_t.NVJPEG_BACKEND_HARDWARE, null, null, Flags, out NvJpegHandle handle)
            != nvjpegStatus_t.NVJPEG_STATUS_SUCCESS)
            NvJpeg.nvjpegCreateEx(nvjpegBackend_t.NVJPEG_BACKEND_GPU_HYBRID, null, null, Flags, out handle).ThrowIfFailed();
        return handle;
    }
}
