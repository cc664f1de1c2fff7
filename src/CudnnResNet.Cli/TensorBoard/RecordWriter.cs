using System.Buffers.Binary;

namespace CudnnResNet.Cli.TensorBoard;

/// <summary>
/// TensorFlow's record format: length (u64), its masked CRC, data, its masked CRC, all little-endian. Each record is one
/// write to the operating system, so that a killed run leaves whole records.
/// </summary>
internal sealed class RecordWriter(Stream stream) : IDisposable
{
    private const int HeaderBytes = sizeof(ulong) + sizeof(uint);

    private byte[] _record = new byte[512];

    /// <summary>Room for the data of the next record; allocates only where it is the longest so far.</summary>
    public Span<byte> Data(int bytes)
    {
        if (_record.Length < HeaderBytes + bytes + sizeof(uint))
            _record = new byte[2 * (HeaderBytes + bytes + sizeof(uint))];
        return _record.AsSpan(HeaderBytes, bytes);
    }

    /// <summary>Writes the first <paramref name="bytes"/> of what was put into <see cref="Data"/>.</summary>
    public void Write(int bytes)
    {
        Span<byte> record = _record.AsSpan(0, HeaderBytes + bytes + sizeof(uint));
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[sizeof(ulong)..], Crc32C.Masked(record[..sizeof(ulong)]));
        BinaryPrimitives.WriteUInt32LittleEndian(record[(HeaderBytes + bytes)..], Crc32C.Masked(record.Slice(HeaderBytes, bytes)));
        stream.Write(record);
    }

    public void Dispose() => stream.Dispose();
}
