using System.Buffers.Binary;
using System.Text;

namespace CudnnResNet.Weights.PyTorch;

/// <summary>The bytes of pickles, from a stream that they begin or fill. Lengths are checked against what is left.</summary>
internal sealed class PickleInput(Stream stream, string path)
{
    private const int MaxTextBytes = 16 << 20;
    private const long MaxBytes = 256L << 20;

    // Strict: a name that is not text is damage.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _buffer = new byte[(int)Math.Clamp(stream.Length - stream.Position, 1, 1 << 16)];
    private readonly long _start = stream.Position;
    private int _filled;
    private int _next;

    /// <summary>Of the next byte, in the stream.</summary>
    public long Position => stream.Position - _filled + _next;

    public long BytesRead => Position - _start;

    public byte Byte()
    {
        if (_next == _filled)
            Fill();
        return _buffer[_next++];
    }

    public ushort UInt16() => (ushort)(Byte() | Byte() << 8);

    public int Int32() => UInt16() | UInt16() << 16;

    public long Int64() => (uint)Int32() | (long)Int32() << 32;

    public double Float64BigEndian()
    {
        Span<byte> bytes = stackalloc byte[8];
        foreach (ref byte b in bytes)
            b = Byte();
        return BinaryPrimitives.ReadDoubleBigEndian(bytes);
    }

    public byte[] Bytes(long count)
    {
        if (count < 0 || count > MaxTextBytes || count > stream.Length - Position)
            throw Bad($"claims a string of {count} bytes");
        var bytes = new byte[count];
        for (int done = 0; done < bytes.Length;)
        {
            if (_next == _filled)
                Fill();
            int piece = Math.Min(bytes.Length - done, _filled - _next);
            _buffer.AsSpan(_next, piece).CopyTo(bytes.AsSpan(done));
            _next += piece;
            done += piece;
        }
        return bytes;
    }

    public string Text(long bytes) => Decode(Bytes(bytes));

    /// <summary>Up to a line break, which is not part of it.</summary>
    public string Line()
    {
        List<byte> bytes = [];
        for (byte b = Byte(); b != '\n'; b = Byte())
        {
            if (bytes.Count == 1 << 10)
                throw Bad("has a name of over 1,024 bytes");
            bytes.Add(b);
        }
        return Decode([.. bytes]);
    }

    public ResNetException Bad(string problem) =>
        new($"{path}: not a readable PyTorch file: its pickle {Printable.Text(problem)} (at byte {Position}); "
            + "save the weights again with torch.save(model.state_dict(), path)");

    private string Decode(byte[] bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Bad("has text that is not UTF-8");
        }
    }

    private void Fill()
    {
        if (stream.Position - _start > MaxBytes)
            throw Bad($"goes on after {MaxBytes} bytes");
        _filled = stream.Read(_buffer);
        _next = 0;
        if (_filled == 0)
            throw Bad("ends early");
    }
}
