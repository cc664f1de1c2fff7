using System.Buffers.Binary;

using CudnnResNet.Tensors;

namespace CudnnResNet.Data;

/// <summary>
/// Reads IDX files of unsigned bytes, plain or gzip (by the name's end or the first bytes). Format: LeCun, Cortes and
/// Burges, "The MNIST database", "The IDX file format". Strict: the data must be exactly what the dimensions take.
/// </summary>
public static class IdxFile
{
    private const string Kind = "IDX file";
    private const byte UnsignedByte = 0x08;
    private const int MagicBytes = 4;
    private const int MaxRank = 4;

    // What is taken at once for a packed file; more is taken only as content arrives.
    private const int FirstBytes = 1 << 16;
    private const int UsualRatio = 4;

    /// <exception cref="ResNetException">The file is missing or damaged, or holds elements other than unsigned bytes.</exception>
    public static IdxArray Read(string path) => Parse(InputFile.ReadAll(path, Kind), path);

    /// <summary>Parses a file that is in memory; a name that ends in .gz must hold gzip.</summary>
    /// <exception cref="ResNetException">As <see cref="Read"/>.</exception>
    public static IdxArray Parse(ReadOnlyMemory<byte> file, string nameForErrors)
    {
        if (GzipReader.HasMagic(file.Span) || nameForErrors.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))
            return ParseGzip(file, nameForErrors);

        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < MagicBytes)
            throw Bad(nameForErrors, "truncated in its header");
        int rank = RankOf(bytes, nameForErrors);
        int start = MagicBytes + rank * sizeof(int);
        if (bytes.Length < start)
            throw Bad(nameForErrors, "truncated in its header");
        (int[] shape, long elements) = ShapeOf(bytes[MagicBytes..start], nameForErrors);
        if (elements != bytes.Length - start)
            throw Bad(nameForErrors, $"its dimensions {string.Join(" x ", shape)} take {elements} bytes, but {bytes.Length - start} follow the header");
        return new IdxArray(shape, bytes[start..].ToArray());
    }

    private static IdxArray ParseGzip(ReadOnlyMemory<byte> file, string name)
    {
        using var gzip = new GzipReader(file, name);
        Span<byte> header = stackalloc byte[MagicBytes + MaxRank * sizeof(int)];
        if (gzip.Read(header[..MagicBytes]) < MagicBytes)
            throw Bad(name, "truncated in its header");
        Span<byte> dimensions = header.Slice(MagicBytes, RankOf(header, name) * sizeof(int));
        if (gzip.Read(dimensions) < dimensions.Length)
            throw Bad(name, "truncated in its header");
        (int[] shape, long elements) = ShapeOf(dimensions, name);
        if (elements > (long)file.Length * GzipReader.MaxRatio)
            throw Bad(name, $"its dimensions {string.Join(" x ", shape)} take {elements} bytes, more than {file.Length} bytes of gzip can hold");
        byte[] data = ReadGrowing(gzip, (int)elements, file.Length, name);
        gzip.Finish();
        return new IdxArray(shape, data);
    }

    /// <summary>Takes memory in step with the content that really comes, since the header may lie.</summary>
    private static byte[] ReadGrowing(GzipReader gzip, int elements, int fileBytes, string name)
    {
        var data = new byte[Math.Min(elements, Math.Max(FirstBytes, (long)fileBytes * UsualRatio))];
        int filled = 0;
        while (true)
        {
            filled += gzip.Read(data.AsSpan(filled));
            if (filled < data.Length)
                throw Bad(name, $"truncated: its dimensions take {elements} bytes, but it unpacks to {filled}");
            if (filled == elements)
                return data;
            Array.Resize(ref data, (int)Math.Min(elements, 2L * data.Length));
        }
    }

    private static int RankOf(ReadOnlySpan<byte> magic, string name)
    {
        if (magic[0] != 0 || magic[1] != 0)
            throw Bad(name, "it does not start with two zero bytes");
        if (magic[2] != UnsignedByte)
            throw Bad(name, $"its element type is 0x{magic[2]:x2}; only unsigned bytes, 0x08, are read");
        return magic[3] is >= 1 and <= MaxRank
            ? magic[3]
            : throw Bad(name, $"it has {magic[3]} dimensions; 1 to {MaxRank} are read");
    }

    private static (int[] Shape, long Elements) ShapeOf(ReadOnlySpan<byte> dimensions, string name)
    {
        var shape = new int[dimensions.Length / sizeof(int)];
        Span<long> extents = stackalloc long[shape.Length];
        for (int i = 0; i < shape.Length; i++)
            extents[i] = BinaryPrimitives.ReadUInt32BigEndian(dimensions[(i * sizeof(int))..]);
        if (!ElementCount.TryMultiply(extents, out long elements) || elements > Array.MaxLength)
            throw Bad(name, $"its dimensions {string.Join(" x ", extents.ToArray())} take over 2 GB");
        for (int i = 0; i < shape.Length; i++)
            shape[i] = extents[i] <= int.MaxValue ? (int)extents[i] : throw Bad(name, $"its dimension {i} is {extents[i]}");
        return (shape, elements);
    }

    private static ResNetException Bad(string name, string problem) =>
        new($"{name}: not a readable IDX file: {problem}; copy or download it again");
}
