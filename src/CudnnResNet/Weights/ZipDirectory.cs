using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace CudnnResNet.Weights;

/// <summary>One file of a zip archive.</summary>
/// <param name="Name">With its folders.</param>
/// <param name="IsStored">Not compressed.</param>
/// <param name="Crc">Of the content.</param>
/// <param name="PackedBytes">In the archive.</param>
/// <param name="Bytes">Of the content.</param>
/// <param name="DataStart">Position in the archive.</param>
internal sealed record ZipEntry(string Name, bool IsStored, uint Crc, long PackedBytes, long Bytes, long DataStart);

/// <summary>
/// The entries of a zip archive, checked so that none overlaps another or lies outside the file, and so that none can
/// unpack to more than deflate's own limit of about 1,032 times its size. Format: PKWARE's APPNOTE 6.3, with zip64;
/// encrypted archives and those in several volumes are refused.
/// </summary>
internal sealed class ZipDirectory
{
    private const uint EndSignature = 0x06054B50, End64Signature = 0x06064B50, Locator64Signature = 0x07064B50;
    private const uint EntrySignature = 0x02014B50, LocalSignature = 0x04034B50;
    private const int EndBytes = 22, LocatorBytes = 20, End64Bytes = 56, EntryBytes = 46, LocalBytes = 30;
    private const int MaxCommentBytes = ushort.MaxValue;
    private const int MaxEntries = 1 << 16;
    private const int MaxDirectoryBytes = 64 << 20;
    private const int Encrypted = 1, Stored = 0, Deflated = 8, Zip64Extra = 1;
    private const long LargestRatio = 1032;

    private readonly Stream _stream;
    private readonly string _path;
    private readonly Dictionary<string, ZipEntry> _entries = new(StringComparer.Ordinal);

    private ZipDirectory(Stream stream, string path) => (_stream, _path) = (stream, path);

    public IReadOnlyCollection<ZipEntry> Entries => _entries.Values;

    public ZipEntry? Find(string name) => _entries.GetValueOrDefault(name);

    /// <exception cref="ResNetException">The archive is damaged or of a kind that is not read.</exception>
    public static ZipDirectory Read(Stream stream, string path)
    {
        ZipDirectory zip = new(stream, path);
        (long start, long bytes, long count) = zip.FindDirectory();
        if (count > MaxEntries || bytes > MaxDirectoryBytes || bytes < count * EntryBytes)
            throw zip.Bad($"its directory of {bytes} bytes claims {count} entries");
        zip.ReadEntries(zip.Piece(start, bytes), count, start);
        return zip;
    }

    /// <summary>The content of an entry.</summary>
    /// <exception cref="ResNetException">It is damaged.</exception>
    public byte[] Content(ZipEntry entry, long limitBytes)
    {
        if (entry.Bytes > limitBytes)
            throw Bad($"{entry.Name} takes {entry.Bytes} bytes, over the limit of {limitBytes}");
        byte[] content = Piece(entry.DataStart, entry.PackedBytes);
        if (!entry.IsStored)
            content = Inflate(entry, content);
        Crc32 crc = default;
        crc.Append(content);
        return crc.Value == entry.Crc ? content : throw Bad($"the checksum of {entry.Name} is wrong");
    }

    private byte[] Inflate(ZipEntry entry, byte[] packed)
    {
        var content = new byte[entry.Bytes];
        using DeflateStream inflate = new(new MemoryStream(packed), CompressionMode.Decompress);
        try
        {
            int got = inflate.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (got < content.Length || inflate.ReadByte() >= 0)
                throw Bad($"{entry.Name} does not unpack to its {entry.Bytes} bytes");
        }
        catch (InvalidDataException e)
        {
            throw new ResNetException(Bad($"{entry.Name} is not valid deflate").Message, e);
        }
        return content;
    }

    private (long Start, long Bytes, long Count) FindDirectory()
    {
        long tailStart = Math.Max(0, _stream.Length - EndBytes - MaxCommentBytes);
        byte[] tail = Piece(tailStart, _stream.Length - tailStart);
        for (int at = tail.Length - EndBytes; at >= 0; at--)
        {
            ReadOnlySpan<byte> end = tail.AsSpan(at);
            if (UInt32(end) != EndSignature || UInt16(end[20..]) != end.Length - EndBytes)
                continue;
            (long count, long bytes, long start) = (UInt16(end[10..]), UInt32(end[12..]), UInt32(end[16..]));
            long position = tailStart + at;
            if (count == ushort.MaxValue || bytes == uint.MaxValue || start == uint.MaxValue)
                (count, bytes, start, position) = End64(position);
            else if (UInt16(end[4..]) != 0 || UInt16(end[6..]) != 0 || UInt16(end[8..]) != count)
                throw Bad("it is one of several volumes");
            return start <= position && bytes <= position - start
                ? (start, bytes, count)
                : throw Bad("its directory does not lie before its end");
        }
        throw Bad("it has no end record: truncated, or not a zip archive");
    }

    private (long Count, long Bytes, long Start, long Position) End64(long endPosition)
    {
        ReadOnlySpan<byte> locator = Piece(endPosition - LocatorBytes, LocatorBytes);
        long position = UInt32(locator) == Locator64Signature ? Int64(locator[8..]) : -1;
        if (position < 0 || position > endPosition - LocatorBytes - End64Bytes)
            throw Bad("its zip64 end record is missing");
        ReadOnlySpan<byte> end = Piece(position, End64Bytes);
        (long count, long bytes, long start) = (Int64(end[32..]), Int64(end[40..]), Int64(end[48..]));
        return UInt32(end) == End64Signature && count >= 0 && bytes >= 0 && start >= 0
            ? (count, bytes, start, position)
            : throw Bad("its zip64 end record is damaged");
    }

    private void ReadEntries(ReadOnlySpan<byte> directory, long count, long directoryStart)
    {
        List<(long Begin, long End)> extents = [];
        for (long i = 0; i < count; i++)
        {
            if (directory.Length < EntryBytes || UInt32(directory) != EntrySignature)
                throw Bad($"entry {i} of its directory is damaged");
            (int name, int extra, int comment) = (UInt16(directory[28..]), UInt16(directory[30..]), UInt16(directory[32..]));
            if (directory.Length - EntryBytes < name + extra + comment)
                throw Bad($"entry {i} of its directory is truncated");
            (ZipEntry entry, long begin) = ReadEntry(directory[..(EntryBytes + name + extra)], name, directoryStart);
            if (!_entries.TryAdd(entry.Name, entry))
                throw Bad($"it holds '{entry.Name}' twice");
            extents.Add((begin, entry.DataStart + entry.PackedBytes));
            directory = directory[(EntryBytes + name + extra + comment)..];
        }
        extents.Sort();
        for (int i = 1; i < extents.Count; i++)
            if (extents[i].Begin < extents[i - 1].End)
                throw Bad($"two of its entries overlap at byte {extents[i].Begin}");
    }

    private (ZipEntry Entry, long Begin) ReadEntry(ReadOnlySpan<byte> record, int nameBytes, long directoryStart)
    {
        string name = Encoding.UTF8.GetString(record.Slice(EntryBytes, nameBytes));
        (int flags, int method, uint crc) = (UInt16(record[8..]), UInt16(record[10..]), UInt32(record[16..]));
        (long packed, long bytes, long local) = (UInt32(record[20..]), UInt32(record[24..]), UInt32(record[42..]));
        ReadOnlySpan<byte> wide = Extra64(record[(EntryBytes + nameBytes)..]);
        bytes = Widened(bytes, ref wide, name);
        packed = Widened(packed, ref wide, name);
        local = Widened(local, ref wide, name);
        if ((flags & Encrypted) != 0 || method is not (Stored or Deflated))
            throw Bad($"'{name}' is encrypted or packed by method {method}; stored and deflated entries are read");
        if (local > directoryStart - LocalBytes)
            throw Bad($"'{name}' starts at byte {local}, outside");
        ReadOnlySpan<byte> header = Piece(local, LocalBytes);
        long start = local + LocalBytes + UInt16(header[26..]) + UInt16(header[28..]);
        if (UInt32(header) != LocalSignature || start > directoryStart || packed > directoryStart - start)
            throw Bad($"'{name}' is damaged, or does not end before the directory");
        if (method == Stored ? packed != bytes : bytes / LargestRatio > packed)
            throw Bad($"'{name}' claims {bytes} bytes in {packed}");
        return (new ZipEntry(name, method == Stored, crc, packed, bytes, start), local);
    }

    private static ReadOnlySpan<byte> Extra64(ReadOnlySpan<byte> extra)
    {
        while (extra.Length >= 4)
        {
            int bytes = Math.Min(UInt16(extra[2..]), extra.Length - 4);
            if (UInt16(extra) == Zip64Extra)
                return extra.Slice(4, bytes);
            extra = extra[(4 + bytes)..];
        }
        return [];
    }

    private long Widened(long narrow, ref ReadOnlySpan<byte> wide, string name)
    {
        if (narrow != uint.MaxValue)
            return narrow;
        long value = wide.Length >= 8 ? Int64(wide) : -1;
        if (value < 0)
            throw Bad($"'{name}' lacks its zip64 sizes");
        wide = wide[8..];
        return value;
    }

    private byte[] Piece(long position, long bytes)
    {
        if (position < 0 || bytes < 0 || bytes > Array.MaxLength || position > _stream.Length - bytes)
            throw Bad($"{bytes} bytes at {position} lie outside its {_stream.Length}");
        var piece = new byte[bytes];
        _stream.Position = position;
        InputFile.ReadExactly(_stream, piece, _path);
        return piece;
    }

    private static ushort UInt16(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt16LittleEndian(bytes);

    private static uint UInt32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static long Int64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt64LittleEndian(bytes);

    private ResNetException Bad(string problem) =>
        new($"{_path}: not a readable zip archive: {Printable.Text(problem)}; copy or export it again");
}
