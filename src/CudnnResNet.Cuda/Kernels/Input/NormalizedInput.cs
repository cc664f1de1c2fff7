using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>
/// Bytes are copied to the device as they are, and one kernel normalises and converts them into a plan's images; files are
/// decoded there first.
/// </summary>
internal sealed class NormalizedInput : ByteInput
{
    private readonly CudaDevice _device;
    private readonly InputPath _path;
    private readonly CudaArena _memory;
    private readonly Region _bytes;
    private readonly KernelLaunch _launch;
    private readonly Func<FileInput?> _openFiles;
    private FileInput? _files;
    private bool _isOpened;

    /// <exception cref="ResNetException">The device has too little memory for the bytes of one batch.</exception>
    internal NormalizedInput(CudaSession session, PinnedStaging staging, CudaArena arena, Region images, TensorShape shape,
        DataType type, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, CudaRunQueue? queue, ResizeChoice resize)
    {
        _device = session.Device;
        _path = new InputPath(_device, staging, queue);
        long elements = shape.Elements;
        int channels = scale.Length;
        _bytes = new Region(0, elements);
        Region scales = new(Region.Align(elements), channels * sizeof(float));
        Region shifts = new(Region.Align(scales.OffsetBytes + scales.Bytes), channels * sizeof(float));
        _memory = new CudaArena(shifts.OffsetBytes + shifts.Bytes, _device, staging);
        try
        {
            _memory.Write(scales, MemoryMarshal.AsBytes(scale));
            _memory.Write(shifts, MemoryMarshal.AsBytes(shift));
            LaunchArgument factors = LaunchArgument.Of(new ChannelFactors(_memory.Address(scales), _memory.Address(shifts)));
            _launch = session.Launch("images.cu", $"normalize_bytes_{type.ShortName()}", elements / 16,
                [_memory.Address(_bytes), arena.Address(images), factors, elements / channels, channels, channels]);
            _openFiles = () => channels == ImageResampler.Channels
                ? FileInput.TryCreate(session, staging, _path, resize, arena.Address(images), shape, type, factors)
                : null;
            _path.FollowDevice();
        }
        catch
        {
            _launch?.Dispose();
            _memory.Dispose();
            throw;
        }
    }

    public override bool TryOpenFiles()
    {
        if (!_isOpened)
            _files = _openFiles();
        _isOpened = true;
        return _files is not null;
    }

    public override void Write(ReadOnlySpan<byte> nhwc)
    {
        using ContextScope scope = _device.Enter();
        if (nhwc.Length != _bytes.Bytes)
            throw new ArgumentException($"{nhwc.Length} bytes for images of {_bytes.Bytes}.", nameof(nhwc));
        _path.Write(_memory.Address(_bytes), nhwc);
        _launch.Run(_path.Stream);
    }

    public override void Write(ReadOnlySpan<EncodedImage> images, int first, Action<int> decodeOnHost)
    {
        if (_files is null)
            base.Write(images, first, decodeOnHost);
        else
            _files.Write(images, first, decodeOnHost);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _files?.Dispose();
        _launch.Dispose();
        _memory.Dispose();
    }
}
