using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
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
    internal const int Channels = 3;

    /// <summary>Of the tiles that one block of the kernel makes.</summary>
    private const int Tile = 16;

    /// <summary>Decoded images of one batch; of larger ones, the host decodes the rest.</summary>
    private const long MostPixelBytes = 1L << 30;

    private const int AlignmentBytes = 256;

    private readonly CudaSession _session;
    private readonly PinnedStaging _staging;
    private readonly InputPath _path;
    private readonly DeviceJpegDecoder _decoder;
    private readonly CudaArena _table;
    private readonly PinnedMemory? _slotTable;
    private readonly KernelLaunch _launch;
    private readonly CudaEvent _decoded;
    private readonly ImageView[] _views;
    private readonly long[] _offsets;
    private readonly int[] _failed;
    private readonly int _sideBytes;
    private CudaArena? _pixels;
    private readonly TensorShape _shape;
    private NppResizer? _npp;
    private bool? _usesNpp;
    private bool _isBroken;

    private FileInput(CudaSession session, PinnedStaging staging, InputPath path, DeviceJpegDecoder decoder, CUdeviceptr images,
        TensorShape shape, DataType type, LaunchArgument factors)
    {
        (_session, _staging, _path, _decoder, _shape) = (session, staging, path, decoder, shape);
        _views = new ImageView[shape.N];
        _offsets = new long[shape.N];
        _failed = new int[shape.N];
        _sideBytes = shape.H * shape.W * Channels;
        _table = new CudaArena(shape.N * (long)Unsafe.SizeOf<ImageView>(), session.Device, staging);
        try
        {
            Region table = new(0, _table.Bytes);
            long tiles = (long)shape.N * ((shape.H + Tile - 1) / Tile) * ((shape.W + Tile - 1) / Tile);
            _launch = session.Launch("images.cu", $"resample_images_{type.ShortName()}", new Grid(tiles),
                [_table.Address(table), images, factors, shape.H, shape.W, Channels]);
            if (path.IsOfSlot)
                _slotTable = new PinnedMemory(session.Device, _table.Bytes);
            _decoded = session.Device.CreateEvent(CUevent_flags.CU_EVENT_DISABLE_TIMING);
            path.FollowDevice();
        }
        catch
        {
            _decoded?.Dispose();
            _slotTable?.Dispose();
            _launch?.Dispose();
            _table.Dispose();
            throw;
        }
    }

    /// <summary>Null where the device decodes no JPEG; the session keeps the reason.</summary>
    internal static FileInput? TryCreate(CudaSession session, PinnedStaging staging, InputPath path, CUdeviceptr images,
        TensorShape shape, DataType type, LaunchArgument factors)
    {
        if (!session.Options.DecodesFiles)
            return null;
        if (DeviceJpegDecoder.TryOpen(session.Device, shape.N, out string? refusal) is not { } decoder)
        {
            session.Warn($"JPEG files are decoded by the host: {refusal}");
            return null;
        }
        try
        {
            return new FileInput(session, staging, path, decoder, images, shape, type, factors);
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
        Place(images, first, decodeOnHost);
        Decode(images, first, decodeOnHost);
        for (int i = 0; i < images.Length; i++)
        {
            if (!images[i].IsFile)
                _path.Write(_pixels!.Address(new Region(_offsets[i], images[i].Length)), images[i].Bytes);
            _views[i] = View(images[i], _pixels!.Address(new Region(_offsets[i], images[i].Length)));
        }
        Scale(images);
        if (!_path.IsOfSlot)
            CudaDriver.cuEventRecord(_decoded, _path.Stream).ThrowIfFailed();
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _decoded.Dispose();
        _launch.Dispose();
        _table.Dispose();
        _slotTable?.Dispose();
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
        LeaveToHost(shortage!);
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
            long bytes = Math.Max(_sideBytes, image.IsFile ? (long)image.Width * image.Height * Channels : 0);
            if (image.IsFile && (_isBroken || end + bytes > MostPixelBytes))
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

    private void LeaveToHost(ResNetException reason)
    {
        _session.Warn($"JPEG files are decoded by the host from now on: {reason.Message}");
        _isBroken = true;
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
            LeaveToHost(error);
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
        if (_usesNpp != false && MayAlias(images))
        {
            try
            {
                if (_usesNpp is null)
                    Choose();
                if (_usesNpp == true)
                {
                    ScaleByNpp();
                    return;
                }
            }
            catch (NppException error)
            {
                _session.Refuse($"training's images are scaled by the own kernel: {error.Message}");
                _usesNpp = false;
            }
        }
        Resample(_views);
    }

    private void Choose()
    {
        bool? known = ResizeChoice.Known(_session);
        if (known != false)
            _npp = TryCreateNpp();
        _usesNpp = _npp is not null && (known ?? ResizeChoice.Measure(_session, _path.Stream, () => Resample(_views), ScaleByNpp));
        if (_usesNpp == true)
            return;
        _npp?.Dispose();
        _npp = null;
    }

    /// <summary>Null also where its images do not fit.</summary>
    private NppResizer? TryCreateNpp()
    {
        try
        {
            return NppResizer.TryCreate(_session.Device, _staging, _path, _shape);
        }
        catch (MemoryShortageException shortage)
        {
            _session.Refuse($"training's images are scaled by the own kernel: {shortage.Message}");
            return null;
        }
    }

    private void ScaleByNpp() => Resample(_npp!.Resize(_views));

    private void Resample(ReadOnlySpan<ImageView> views)
    {
        WriteTable(MemoryMarshal.AsBytes(views));
        _launch.Run(_path.Stream);
    }

    /// <summary>A slot's own memory is free: one table is written for a run, and measurements are awaited.</summary>
    private unsafe void WriteTable(ReadOnlySpan<byte> views)
    {
        Region table = new(0, _table.Bytes);
        if (_slotTable is null)
        {
            _table.Write(table, views);
            return;
        }
        views.CopyTo(new Span<byte>(_slotTable.At(0), views.Length));
        CudaDriver.cuMemcpyHtoDAsync_v2(_table.Address(table), _slotTable.At(0), (nuint)views.Length, _path.Stream).ThrowIfFailed();
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
        long stride = (long)image.Width * Channels;
        return new ImageView
        {
            Pixels = pixels + (part.Top * stride + part.Left * Channels),
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
