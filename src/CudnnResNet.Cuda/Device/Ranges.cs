using System.Runtime.InteropServices;
using CudnnResNet.Cuda.Interop;

namespace CudnnResNet.Cuda.Device;

/// <summary>
/// Names of what the host does, for NVIDIA's profilers: a range for the inputs of a step, for giving it to the device, and for
/// waiting for an earlier one. Costs nothing where it is not asked for or NVIDIA's library of ranges is not there.
/// </summary>
/// <param name="isWanted">By the options.</param>
internal sealed unsafe class Ranges(bool isWanted)
{
    private readonly bool _isOn = isWanted && CudaLibraries.TryLoad(CudaLibraries.Nvtx) is { } library
        && NativeLibrary.TryGetExport(library, nameof(Nvtx.nvtxRangePushA), out _);

    internal static ReadOnlySpan<byte> Input => "input\0"u8;

    internal static ReadOnlySpan<byte> Run => "run\0"u8;

    internal static ReadOnlySpan<byte> Wait => "wait\0"u8;

    /// <param name="name">Ends in a zero.</param>
    internal void Push(ReadOnlySpan<byte> name)
    {
        if (!_isOn)
            return;
        fixed (byte* text = name)
            _ = Nvtx.nvtxRangePushA(text);
    }

    internal void Pop()
    {
        if (_isOn)
            _ = Nvtx.nvtxRangePop();
    }
}
