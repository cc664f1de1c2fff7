using System.Buffers.Binary;

namespace CudnnResNet.Imaging.Records;

/// <summary>What the index, and the bytes before the image, say of it.</summary>
/// <param name="Offset">Of the image's bytes in the file.</param>
/// <param name="Bytes">Their number.</param>
/// <param name="Source">Its number in the set that was packed, where images may have been left out.</param>
/// <param name="Checksum">CRC-32 of the bytes.</param>
internal readonly record struct RecordEntry(long Offset, long Bytes, int Width, int Height, int Label, int Source, uint Checksum)
{
    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, Offset);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], Bytes);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], Width);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], Height);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], Label);
        BinaryPrimitives.WriteInt32LittleEndian(to[28..], Source);
        BinaryPrimitives.WriteUInt32LittleEndian(to[32..], Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(to[36..], Records.Checksum.Of(to[..36]));
    }

    /// <summary>Null where the entry's own checksum does not fit.</summary>
    public static RecordEntry? Read(ReadOnlySpan<byte> from) =>
        Records.Checksum.Of(from[..36]) != BinaryPrimitives.ReadUInt32LittleEndian(from[36..])
            ? null
            : new RecordEntry(BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
                BinaryPrimitives.ReadInt32LittleEndian(from[16..]), BinaryPrimitives.ReadInt32LittleEndian(from[20..]),
                BinaryPrimitives.ReadInt32LittleEndian(from[24..]), BinaryPrimitives.ReadInt32LittleEndian(from[28..]),
                BinaryPrimitives.ReadUInt32LittleEndian(from[32..]));

    /// <summary>Null where the entry can be meant; else what cannot.</summary>
    /// <param name="encoding">Of the file's images.</param>
    /// <param name="end">Where the images' part of the file ends.</param>
    /// <param name="classes">Classes of the set.</param>
    public string? Fault(RecordEncoding encoding, long end, int classes)
    {
        if (Bytes < 1 || Bytes > int.MaxValue || Offset < RecordFormat.HeaderBytes || Offset > end || Bytes > end - Offset)
            return "lies outside of the file";
        if (Width is < 1 or > RecordFormat.MaxSide || Height is < 1 or > RecordFormat.MaxSide)
            return $"has {Width} x {Height} pixels";
        if (encoding == RecordEncoding.Raw && (long)Width * Height * 3 != Bytes)
            return $"has {Bytes} bytes for {Width} x {Height} pixels";
        return Label < 0 || Label >= classes ? $"has label {Label}, but there are {classes} classes" : null;
    }
}
