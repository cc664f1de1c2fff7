using System.Runtime.ExceptionServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// JPEG files to a plan's images: nvJPEG decodes them into device memory, and one kernel crops, scales, mirrors, normalises
/// and converts the whole batch. What nvJPEG does not read, and what does not fit, the host decodes. Each slot of a queue has
/// one with memory of its own, so that the next batch is made while a step runs.
/// </summary>
internal sealed class FileInput : IDisposable
{
    /// <summary>Decoded images of one batch; of larger ones, the host decodes the rest.</summary>
    private const long MostPixelBytes = 1L << 30;

    private const int AlignmentBytes = 256;

    private readonly CudaSession _session;
    private readonly PinnedStaging _staging;
    private readonly InputPath _path;
    private readonly DeviceJpegDecoder _decoder;
    private readonly ResizeChoice _resize;
    private readonly ImageResampler _resampler;
    private readonly CudaEvent _decoded;
    private readonly ImageView[] _views;
    private readonly long[] _offsets;
    private readonly int[] _failed;
    private readonly int _sideBytes;
    private CudaArena? _pixels;
    private readonly TensorShape _shape;
    private NppResizer? _npp;

    private FileInput(CudaSession session, PinnedStaging staging, InputPath path, ResizeChoice resize, DeviceJpegDecoder decoder,
        CUdeviceptr images, TensorShape shape, DataType type, LaunchArgument factors)
    {
        (_session, _staging, _path, _resize, _decoder, _shape) = (session, staging, path, resize, decoder, shape);
        _views = new ImageView[shape.N];
        _offsets = new long[shape.N];
        _failed = new int[shape.N];
        _sideBytes = shape.H * shape.W * ImageResampler.Channels;
        _resampler = new ImageResampler(session, staging, path, images, shape, type, factors);
        try
        {
            _decoded = session.Device.CreateEvent(CUevent_flags.CU_EVENT_DISABLE_TIMING);
        }
        catch
        {
            _resampler.Dispose();
            throw;
        }
    }

    /// <summary>Null where the device decodes no JPEG; the session keeps the reason.</summary>
    internal static FileInput? TryCreate(CudaSession session, PinnedStaging staging, InputPath path, ResizeChoice resize,
        CUdeviceptr images, TensorShape shape, DataType type, LaunchArgument factors)
    {
        if (!session.Options.DecodesFiles || resize.HasLostDecoder)
            return null;
        if (DeviceJpegDecoder.TryOpen(session.Device, shape.N, out string? refusal) is not { } decoder)
        {
            session.Warn($"JPEG files are decoded by the host: {refusal}");
            return null;
        }
        try
        {
            return new FileInput(session, staging, path, resize, decoder, images, shape, type, factors);
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    internal void Write(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        using ContextScope scope = _session.Device.Enter();
        // nvJPEG reads files while a batch is in flight.
        if (!_path.IsOfSlot)
            CudaDriver.cuEventSynchronize(_decoded).ThrowIfFailed();
        try
        {
            Make(images, first, decodeOnHost);
        }
        finally
        {
            // The host may have failed at an image, with others given to nvJPEG.
            if (!_path.IsOfSlot)
                CudaDriver.cuEventRecord(_decoded, _path.Stream).ThrowIfFailed();
        }
    }

    private void Make(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        Place(images, first, decodeOnHost);
        Decode(images, first, decodeOnHost);
        for (int i = 0; i < images.Length; i++)
        {
            if (!images[i].IsFile)
                _path.Write(_pixels!.Address(new Region(_offsets[i], images[i].Length)), images[i].Bytes);
            _views[i] = View(images[i], _pixels!.Address(new Region(_offsets[i], images[i].Length)));
        }
        Scale(images);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _decoded.Dispose();
        _resampler.Dispose();
        _pixels?.Dispose();
        _npp?.Dispose();
    }

    /// <summary>Makes room for the decoded images. Where there is too little, the host decodes: its images are small.</summary>
    private void Place(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        long end = Lay(images, first, decodeOnHost);
        if (_pixels is not null && _pixels.Bytes >= end)
            return;
        _pixels?.Dispose();
        // Half more than this batch takes, so that soon no batch takes more.
        _pixels = TryAllocate(end + end / 2, out MemoryShortageException? shortage) ?? TryAllocate(end, out shortage);
        if (_pixels is not null)
            return;
        _resize.LoseDecoder(shortage!.Message);
        _pixels = new CudaArena(Lay(images, first, decodeOnHost), _session.Device, _staging);
        _path.FollowDevice();
    }

    private CudaArena? TryAllocate(long bytes, out MemoryShortageException? shortage)
    {
        try
        {
            shortage = null;
            CudaArena pixels = new(bytes, _session.Device, _staging);
            _path.FollowDevice();
            return pixels;
        }
        catch (MemoryShortageException error)
        {
            shortage = error;
            return null;
        }
    }

    /// <summary>Where each decoded image lies; one that the host decodes in its place fits as well.</summary>
    /// <returns>The end of the last.</returns>
    private long Lay(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        long end = 0;
        int left = 0;
        for (int i = 0; i < images.Length; i++)
        {
            EncodedImage image = images[i];
            long bytes = Math.Max(_sideBytes, image.IsFile ? (long)image.Width * image.Height * ImageResampler.Channels : 0);
            if (image.IsFile && (_resize.HasLostDecoder || end + bytes > MostPixelBytes))
            {
                _failed[left++] = i;
                bytes = _sideBytes;
            }
            _offsets[i] = end;
            end += (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        }
        DecodeFailed(left, first, decodeOnHost);
        return end;
    }

    private void Decode(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        for (int i = 0; i < images.Length; i++)
            if (images[i].IsFile)
                _decoder.Add(images[i], i, _pixels!.Address(new Region(_offsets[i], images[i].Length)));
        int left = 0;
        try
        {
            left = _decoder.Decode(_path.Stream, _failed);
        }
        catch (NvJpegException error)
        {
            _resize.LoseDecoder(error.Message);
            for (int i = 0; i < images.Length; i++)
                if (images[i].IsFile)
                    _failed[left++] = i;
        }
        DecodeFailed(left, first, decodeOnHost);
    }

    /// <summary>Decodes the first of <see cref="_failed"/> on the host, on all of its cores.</summary>
    private void DecodeFailed(int count, int first, Action<int> decodeOnHost)
    {
        if (count > 0)
            DecodeOnAllCores(count, first, decodeOnHost);
    }

    private void DecodeOnAllCores(int count, int first, Action<int> decodeOnHost)
    {
        try
        {
            Parallel.For(0, count, i => decodeOnHost(first + _failed[i]));
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }

    private void Scale(ReadOnlySpan<EncodedImage> images)
    {
        _resampler.Run(MayAlias(images) && _resize.UsesNpp ? ScaledByNpp() : _views);
    }

    /// <summary>As they are where NPP fails, which then scales no more.</summary>
    private ReadOnlySpan<ImageView> ScaledByNpp()
    {
        try
        {
            _npp ??= NppResizer.Create(_session.Device, _staging, _path, _shape);
            return _npp.Resize(_views);
        }
        catch (ResNetException error) when (error is NppException or MemoryShortageException)
        {
            _resize.LoseNpp(error.Message);
            return _views;
        }
    }

    private static bool MayAlias(ReadOnlySpan<EncodedImage> images)
    {
        foreach (EncodedImage image in images)
            if (image.IsFile && !image.Placement.MayAlias)
                return false;
        return true;
    }

    private static ImageView View(EncodedImage image, CUdeviceptr pixels)
    {
        ImagePlacement part = image.Placement;
        long stride = (long)image.Width * ImageResampler.Channels;
        return new ImageView
        {
            Pixels = pixels + (part.Top * stride + part.Left * ImageResampler.Channels),
            StrideBytes = stride,
            Width = part.Width,
            Height = part.Height,
            WholeWidth = part.WholeWidth,
            WholeHeight = part.WholeHeight,
            Left = part.From.Column,
            Top = part.From.Row,
            ToLeft = part.To.Column,
            ToTop = part.To.Row,
            Columns = part.Columns,
            Rows = part.Rows,
            Mirrored = part.IsMirrored ? 1 : 0,
        };
    }
}
