using System.Buffers.Binary;

namespace CudnnResNet.Imaging.Records;

/// <summary>The first bytes of a records file.</summary>
/// <param name="Encoding">Of every image.</param>
/// <param name="Fingerprint">Of what was packed and how; a pack that was broken off goes on only with the same.</param>
/// <param name="Count">Images; 0 while the file is being written.</param>
/// <param name="NamesOffset">Where the class names begin.</param>
/// <param name="IndexOffset">Where the names end and the index begins.</param>
/// <param name="TableChecksum">CRC-32 of names and index.</param>
internal readonly record struct RecordHeader(
    RecordEncoding Encoding, ulong Fingerprint, long Count, long NamesOffset, long IndexOffset, uint TableChecksum)
{
    private const int ChecksumAt = RecordFormat.HeaderBytes - sizeof(uint);

    public void Write(Span<byte> to)
    {
        to = to[..RecordFormat.HeaderBytes];
        to.Clear();
        RecordFormat.Magic.CopyTo(to);
        BinaryPrimitives.WriteInt32LittleEndian(to[8..], (int)Encoding);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Fingerprint);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], Count);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], NamesOffset);
        BinaryPrimitives.WriteInt64LittleEndian(to[40..], IndexOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(to[48..], TableChecksum);
        BinaryPrimitives.WriteUInt32LittleEndian(to[ChecksumAt..], Checksum.Of(to[..ChecksumAt]));
    }

    /// <exception cref="ResNetException">No records file, or a damaged header.</exception>
    public static RecordHeader Read(ReadOnlySpan<byte> from, string name)
    {
        if (from.Length < RecordFormat.HeaderBytes || !from.StartsWith(RecordFormat.Magic))
            throw Bad(name, "it does not start with CRNREC1");
        if (Checksum.Of(from[..ChecksumAt]) != BinaryPrimitives.ReadUInt32LittleEndian(from[ChecksumAt..]))
            throw Bad(name, "its header has another checksum than it says");
        RecordHeader header = new((RecordEncoding)BinaryPrimitives.ReadInt32LittleEndian(from[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]), BinaryPrimitives.ReadInt64LittleEndian(from[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]), BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[48..]));
        return header.Encoding is RecordEncoding.Raw or RecordEncoding.Jpeg
            ? header
            : throw Bad(name, $"its images are encoded by an unknown method ({(int)header.Encoding})");
    }

    public static ResNetException Bad(string name, string problem) =>
        new($"{name}: not a readable records file: {problem}; pack it again with ./resnet data pack");
}
