using System.Runtime.InteropServices;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn.Interop;

namespace CudnnResNet.OneDnn;

/// <summary>One zero-filled block of the machine's memory on a page boundary; may exceed 2 GB.</summary>
internal sealed unsafe class NativeArena : Arena
{
    private const long HugePageBytes = 2L << 20;
    private const long PageBytes = 4096;

    private readonly AllocationLedger _ledger;
    private byte* _block;
    private readonly byte* _start;

    internal NativeArena(long bytes, AllocationLedger ledger) : base(bytes)
    {
        // First: the finalizer runs also where the rest throws.
        _ledger = ledger;
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        long alignment = bytes >= HugePageBytes ? HugePageBytes : PageBytes;
        try
        {
            // calloc's pages are zeroed by the kernel on first touch, by the thread that then uses them.
            _block = (byte*)NativeMemory.AllocZeroed((nuint)(bytes + alignment));
        }
        catch (OutOfMemoryException error)
        {
            GC.SuppressFinalize(this);
            throw new ResNetException(
                $"This machine cannot provide {bytes / 1e6:F0} MB of memory; use a smaller batch or image.", error);
        }
        ledger.Add(bytes);
        _start = (byte*)((nint)(_block + alignment - 1) / (nint)alignment * (nint)alignment);
        if (alignment == HugePageBytes)
            // Only advice: where the kernel declines, pages stay small.
            _ = Libc.madvise(_start, (nuint)(bytes / HugePageBytes * HugePageBytes), Libc.MADV_HUGEPAGE);
    }

    ~NativeArena() => Dispose(disposing: false);

    public override void Write(Region region, ReadOnlySpan<byte> source)
    {
        RequireLength(region, source.Length);
        source.CopyTo(new Span<byte>(Address(region), source.Length));
        // A pointer keeps nothing alive: the finalizer would free the block under the copy.
        GC.KeepAlive(this);
    }

    public override void Read(Region region, Span<byte> destination)
    {
        RequireLength(region, destination.Length);
        new ReadOnlySpan<byte>(Address(region), destination.Length).CopyTo(destination);
        GC.KeepAlive(this);
    }

    /// <summary>The first byte of a region; valid until the arena is disposed.</summary>
    internal byte* Address(Region region)
    {
        ObjectDisposedException.ThrowIf(_block == null, this);
        if (region.OffsetBytes < 0 || region.Bytes < 0 || region.OffsetBytes > Bytes - region.Bytes)
            throw new ArgumentOutOfRangeException(nameof(region), region, $"The arena has {Bytes} bytes.");
        return _start + region.OffsetBytes;
    }

    protected override void Dispose(bool disposing)
    {
        if (_block == null)
            return;
        NativeMemory.Free(_block);
        _block = null;
        _ledger.Remove(Bytes);
    }

    private static void RequireLength(Region region, int length)
    {
        if (region.Bytes != length)
            throw new ArgumentException($"The region has {region.Bytes} bytes, the span {length}.");
    }
}
