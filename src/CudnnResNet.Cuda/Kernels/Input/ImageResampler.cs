using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Device;
using CudnnResNet.Cuda.Interop;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Kernels.Input;

/// <summary>The own kernel that crops, scales antialiased, mirrors, normalises and converts all images of a batch, by a table of their parts.</summary>
internal sealed class ImageResampler : IDisposable
{
    internal const int Channels = 3;

    /// <summary>Of the tiles that one block of the kernel makes.</summary>
    private const int Tile = 16;

    private readonly InputPath _path;
    private readonly CudaArena _table;
    private readonly PinnedMemory? _slotTable;
    private readonly KernelLaunch _launch;

    /// <param name="session">Its device.</param>
    /// <param name="staging">Of the way without a queue.</param>
    /// <param name="path">In whose order the kernel runs.</param>
    /// <param name="images">Receives [N, H, W, 3].</param>
    /// <param name="shape">Of the images.</param>
    /// <param name="type">Of the images.</param>
    /// <param name="factors">The <see cref="ChannelFactors"/>.</param>
    internal ImageResampler(CudaSession session, PinnedStaging staging, InputPath path, CUdeviceptr images, TensorShape shape,
        DataType type, LaunchArgument factors)
    {
        _path = path;
        _table = new CudaArena(shape.N * (long)Unsafe.SizeOf<ImageView>(), session.Device, staging);
        try
        {
            long tiles = (long)shape.N * ((shape.H + Tile - 1) / Tile) * ((shape.W + Tile - 1) / Tile);
            _launch = session.Launch("images.cu", $"resample_images_{type.ShortName()}", new Grid(tiles),
                [_table.Address(Whole), images, factors, shape.H, shape.W, Channels]);
            if (path.IsOfSlot)
                _slotTable = new PinnedMemory(session.Device, _table.Bytes);
            path.FollowDevice();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Makes the images; needs the device's context.</summary>
    /// <param name="views">One for each.</param>
    internal void Run(ReadOnlySpan<ImageView> views)
    {
        WriteTable(MemoryMarshal.AsBytes(views));
        _launch.Run(_path.Stream);
    }

    public void Dispose()
    {
        _launch?.Dispose();
        _slotTable?.Dispose();
        _table.Dispose();
    }

    private Region Whole => new(0, _table.Bytes);

    /// <summary>A slot's own memory is free: its table is written once for a run.</summary>
    private unsafe void WriteTable(ReadOnlySpan<byte> views)
    {
        if (_slotTable is null)
        {
            _table.Write(Whole, views);
            return;
        }
        views.CopyTo(new Span<byte>(_slotTable.At(0), views.Length));
        CudaDriver.cuMemcpyHtoDAsync_v2(_table.Address(Whole), _slotTable.At(0), (nuint)views.Length, _path.Stream).ThrowIfFailed();
    }
}
