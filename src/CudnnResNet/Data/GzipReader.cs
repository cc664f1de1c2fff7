using System.Buffers.Binary;
using System.IO.Compression;

namespace CudnnResNet.Data;

/// <summary>
/// Unpacks a gzip file of one member that is in memory (RFC 1952) and checks its CRC, its length and that nothing follows,
/// which <see cref="GZipStream"/> lets pass where a file is cut in its last eight bytes or goes on after them.
/// </summary>
internal sealed class GzipReader : IDisposable
{
    /// <summary>Deflate cannot pack tighter: 258 bytes in two bits (zlib, "Technical Details", maximum compression factor).</summary>
    public const int MaxRatio = 1032;

    private const int FixedHeaderBytes = 10;
    private const int TrailerBytes = 8;
    private const byte HeaderCrc = 2, Extra = 4, Name = 8, Comment = 16, Reserved = 0xE0;

    private readonly string _file;
    private readonly GzipBody _body;
    private readonly DeflateStream _deflate;
    private readonly uint _expectedCrc;
    private readonly uint _expectedBytes;
    private Crc32 _crc;
    private long _bytes;

    /// <exception cref="ResNetException">The header is not one of gzip, or the file is too short.</exception>
    public GzipReader(ReadOnlyMemory<byte> file, string nameForErrors)
    {
        _file = nameForErrors;
        int header = HeaderBytes(file.Span);
        if (file.Length - header <= TrailerBytes)
            throw Bad("truncated");
        ReadOnlySpan<byte> trailer = file.Span[^TrailerBytes..];
        _expectedCrc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        _expectedBytes = BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]);
        _body = new GzipBody(file[header..^TrailerBytes]);
        _deflate = new DeflateStream(_body, CompressionMode.Decompress);
    }

    public static bool HasMagic(ReadOnlySpan<byte> file) => file.Length >= 2 && file[0] == 0x1F && file[1] == 0x8B;

    /// <summary>Fills the span as far as the content goes; returns how far.</summary>
    /// <exception cref="ResNetException">The compressed data are damaged or cut.</exception>
    public int Read(Span<byte> destination)
    {
        int got;
        try
        {
            got = _deflate.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new ResNetException($"{_file}: not a readable gzip file: its compressed data are damaged; copy or download it again", e);
        }
        if (_body.AskedForMore)
            throw Bad("truncated");
        _crc.Append(destination[..got]);
        _bytes += got;
        return got;
    }

    /// <summary>Checks that the content ends here, and the file with it.</summary>
    /// <exception cref="ResNetException">Something follows, or the checksum or the length is wrong.</exception>
    public void Finish()
    {
        if (Read(stackalloc byte[1]) != 0)
            throw Bad($"it unpacks to more than the {_bytes - 1} bytes that its content declares");
        if (!_body.LastByteTaken)
            throw Bad("something follows its compressed data");
        if (_crc.Value != _expectedCrc || (uint)_bytes != _expectedBytes)
            throw Bad("its checksum is wrong, so it is damaged or something follows it");
    }

    public void Dispose()
    {
        _deflate.Dispose();
        _body.Dispose();
    }

    private int HeaderBytes(ReadOnlySpan<byte> file)
    {
        if (!HasMagic(file))
            throw Bad("it does not start with the magic bytes 1f 8b");
        if (file.Length < FixedHeaderBytes)
            throw Bad("truncated in its header");
        byte flags = file[3];
        if (file[2] != 8 || (flags & Reserved) != 0)
            throw Bad($"its method is {file[2]} and its flags are {flags}; only deflate, method 8, is defined");
        int at = FixedHeaderBytes;
        if ((flags & Extra) != 0)
            at = file.Length - at >= 2 ? at + 2 + BinaryPrimitives.ReadUInt16LittleEndian(file[at..]) : file.Length;
        if ((flags & Name) != 0)
            at = AfterZero(file, at);
        if ((flags & Comment) != 0)
            at = AfterZero(file, at);
        if ((flags & HeaderCrc) != 0)
        {
            if (at + 2 > file.Length)
                throw Bad("truncated in its header");
            var crc = new Crc32();
            crc.Append(file[..at]);
            if ((ushort)crc.Value != BinaryPrimitives.ReadUInt16LittleEndian(file[at..]))
                throw Bad("its header's checksum is wrong");
            at += 2;
        }
        return Math.Min(at, file.Length);
    }

    private static int AfterZero(ReadOnlySpan<byte> file, int at)
    {
        int zero = at < file.Length ? file[at..].IndexOf((byte)0) : -1;
        return zero < 0 ? file.Length : at + zero + 1;
    }

    private ResNetException Bad(string problem) => new($"{_file}: not a readable gzip file: {problem}; copy or download it again");
}
