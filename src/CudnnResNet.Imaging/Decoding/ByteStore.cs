using System.Runtime.InteropServices;

namespace CudnnResNet.Imaging.Decoding;

/// <summary>Native memory that grows and is used again, so that the next image costs none; with some readable bytes behind its end.</summary>
internal sealed unsafe class ByteStore : IDisposable
{
    /// <summary>Vector loads may begin at the last byte.</summary>
    public const int SlackBytes = 64;

    public byte* Address { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>At least so many bytes; their content is lost where the memory has to grow.</summary>
    public byte* Reserve(long bytes)
    {
        if (bytes <= Bytes)
            return Address;
        Free();
        Address = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + SlackBytes), 64);
        new Span<byte>(Address + bytes, SlackBytes).Clear();
        Bytes = bytes;
        GC.AddMemoryPressure(Bytes);
        return Address;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    ~ByteStore() => Free();

    private void Free()
    {
        if (Address is null)
            return;
        NativeMemory.AlignedFree(Address);
        GC.RemoveMemoryPressure(Bytes);
        Address = null;
        Bytes = 0;
    }
}
