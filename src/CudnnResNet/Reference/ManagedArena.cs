using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CudnnResNet.Kernels;

namespace CudnnResNet.Reference;

/// <summary>Managed memory. It is counted in 8-byte words, so that an arena may exceed the 2 GB of a byte array.</summary>
internal sealed class ManagedArena(long bytes) : Arena(bytes)
{
    private long[] _words = Allocate(bytes);

    /// <summary>The region as elements; regions begin at multiples of <see cref="Region.Alignment"/>.</summary>
    public Span<T> Span<T>(Region region) where T : unmanaged
    {
        if (region.Bytes == 0)
            return [];
        int words = checked((int)((region.Bytes + 7) / 8));
        int elements = checked((int)(region.Bytes / Unsafe.SizeOf<T>()));
        return MemoryMarshal.Cast<long, T>(_words.AsSpan((int)(region.OffsetBytes / 8), words))[..elements];
    }

    public override void Write(Region region, ReadOnlySpan<byte> source)
    {
        RequireLength(region, source.Length);
        source.CopyTo(Span<byte>(region));
    }

    public override void Read(Region region, Span<byte> destination)
    {
        RequireLength(region, destination.Length);
        Span<byte>(region).CopyTo(destination);
    }

    protected override void Dispose(bool disposing) => _words = [];

    private static long[] Allocate(long bytes)
    {
        try
        {
            return new long[(bytes + 7) / 8];
        }
        catch (Exception error) when (error is OutOfMemoryException or OverflowException)
        {
            throw new ResNetException($"The machine has no {bytes:N0} bytes left; use a smaller batch.", error);
        }
    }

    private static void RequireLength(Region region, int bytes)
    {
        if (region.Bytes != bytes)
            throw new ArgumentException($"The region has {region.Bytes} bytes, not {bytes}.");
    }
}
