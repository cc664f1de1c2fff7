using System.Buffers.Binary;

using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>
/// The header of a .npy file: magic, version, length, and a Python dictionary of exactly descr, fortran_order and shape.
/// Format: NumPy's numpy.lib.format, versions 1.0 to 3.0.
/// </summary>
/// <param name="DataStart">Bytes from the start of the file to the data.</param>
internal sealed record NpyHeader(DataType Type, long[] Shape, int DataStart)
{
    /// <summary>NumPy writes headers of some 118 bytes and by default refuses to read those over 10,000.</summary>
    private const int MaxBytes = 10_000;

    private const int MagicAndVersionBytes = 8;

    /// <summary>Enough of any accepted file to parse its header.</summary>
    public const int MaxDataStart = MagicAndVersionBytes + 4 + MaxBytes;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <param name="start">The file's first bytes, up to <see cref="MaxDataStart"/>.</param>
    /// <param name="fileBytes">The length of the whole file.</param>
    /// <param name="file">For messages.</param>
    /// <exception cref="ResNetException">Not a .npy file, an array that is not read here, or data that are not what the shape takes.</exception>
    public static NpyHeader Parse(ReadOnlySpan<byte> start, long fileBytes, string file)
    {
        if (!start.StartsWith(Magic))
            throw Bad(file, "it does not start with \\x93NUMPY");
        if (start.Length < MagicAndVersionBytes + 4)
            throw Bad(file, "truncated in its header");
        (byte major, byte minor) = (start[6], start[7]);
        if (major is < 1 or > 3 || minor != 0)
            throw Bad(file, $"its format version is {major}.{minor}; 1.0 to 3.0 are read");

        int lengthBytes = major == 1 ? 2 : 4;
        uint headerBytes = major == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(start[MagicAndVersionBytes..])
            : BinaryPrimitives.ReadUInt32LittleEndian(start[MagicAndVersionBytes..]);
        if (headerBytes > MaxBytes)
            throw Bad(file, $"its header claims {headerBytes} bytes, over the limit of {MaxBytes}");
        int textStart = MagicAndVersionBytes + lengthBytes;
        if (start.Length - textStart < headerBytes)
            throw Bad(file, "truncated in its header");

        var parser = new NpyDictionary(start.Slice(textStart, (int)headerBytes), file);
        (DataType type, long[] shape) = parser.Read();
        var header = new NpyHeader(type, shape, textStart + (int)headerBytes);
        header.CheckData(fileBytes - header.DataStart, file);
        return header;
    }

    private void CheckData(long dataBytes, string file)
    {
        if (!ElementCount.TryBytes(Shape, Type, out long bytes))
            throw Bad(file, $"its shape ({string.Join(", ", Shape)}) overflows");
        if (bytes > dataBytes)
            throw Bad(file, $"truncated: {Type.ShortName()} ({string.Join(", ", Shape)}) takes {bytes} bytes, but {dataBytes} follow the header");
        if (bytes < dataBytes)
            throw Bad(file, $"{dataBytes - bytes} bytes follow the {bytes} that {Type.ShortName()} ({string.Join(", ", Shape)}) takes");
    }

    public static ResNetException Bad(string file, string problem) =>
        new($"{file}: not a readable .npy file: {problem}; save it again with numpy.save");
}
