namespace CudnnResNet.Weights;

/// <summary>An .npz file of NumPy: a zip archive of .npy files, stored or deflated.</summary>
public sealed class NpzSource : TensorSource
{
    private const string Suffix = ".npy";

    private readonly ZipDirectory _zip;
    private readonly IReadOnlyList<Array> _arrays;

    private sealed record Array(ZipEntry Entry, NpyHeader Header)
    {
        public string Name => Entry.Name[..^Suffix.Length];
    }

    private NpzSource(Stream stream, string path, ZipDirectory zip, IReadOnlyList<Array> arrays)
        : base(path, "npz", [.. arrays.Select(array => new TensorInfo(array.Name, array.Header.Type, [.. array.Header.Shape]))], NoMetadata, [stream]) =>
        (_zip, _arrays) = (zip, arrays);

    /// <param name="stream">Seekable; the source disposes of it, also where this fails.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ResNetException">The archive or one of its arrays is damaged, or of a type that is not read.</exception>
    public static NpzSource Open(Stream stream, string path)
    {
        try
        {
            ZipDirectory zip = ZipDirectory.Read(stream, path);
            List<Array> arrays = [];
            foreach (ZipEntry entry in zip.Entries)
                if (entry.Name.EndsWith(Suffix, StringComparison.Ordinal))
                    arrays.Add(new Array(entry, ReadHeader(stream, zip, entry, path)));
                else
                    throw new ResNetException($"{path}: not an .npz file: it holds '{Printable.Text(entry.Name)}'; save it with numpy.savez");
            return new NpzSource(stream, path, zip, arrays);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Deflated entries are unpacked to learn their header: it cannot be had alone with its checksum.</summary>
    private static NpyHeader ReadHeader(Stream stream, ZipDirectory zip, ZipEntry entry, string path)
    {
        string name = $"{path}: {Printable.Text(entry.Name)}";
        ReadOnlySpan<byte> start = entry.IsStored
            ? ReadBytes(stream, entry.DataStart, Math.Min(entry.Bytes, NpyHeader.MaxDataStart), path)
            : zip.Content(entry, System.Array.MaxLength);
        return NpyHeader.Parse(start[..Math.Min(start.Length, NpyHeader.MaxDataStart)], entry.Bytes, name);
    }

    protected override ReadOnlyMemory<byte> ReadData(int index)
    {
        Array array = _arrays[index];
        return _zip.Content(array.Entry, System.Array.MaxLength).AsMemory(array.Header.DataStart);
    }
}
