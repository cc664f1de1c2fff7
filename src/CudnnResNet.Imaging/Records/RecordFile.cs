using System.IO.MemoryMappedFiles;
using System.Text;

namespace CudnnResNet.Imaging.Records;

/// <summary>A records file mapped into memory: every image at once at hand, read from the disk when it is looked at.</summary>
internal sealed unsafe class RecordFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private readonly long _fileBytes;

    /// <exception cref="ResNetException">The file is missing, broken off or damaged.</exception>
    public RecordFile(string path)
    {
        Path = path;
        try
        {
            _fileBytes = new FileInfo(path).Length;
            if (_fileBytes < RecordFormat.HeaderBytes + RecordFormat.TailBytes)
                throw RecordHeader.Bad(path, "it is too short");
            _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _map?.Dispose();
            throw new ResNetException($"{path}: cannot be read ({error.Message}); give a file that ./resnet data pack wrote", error);
        }
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        try
        {
            Header = RecordHeader.Read(Bytes(0, RecordFormat.HeaderBytes), path);
            Entries = ReadTables(out string[] names);
            ClassNames = names;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public RecordHeader Header { get; }

    public RecordEntry[] Entries { get; }

    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>The image's bytes; as long as this object lives. Behind them are <see cref="RecordFormat.TailBytes"/> more of the file.</summary>
    public byte* Address(in RecordEntry entry) => _start + entry.Offset;

    public ReadOnlySpan<byte> Image(in RecordEntry entry) => Bytes(entry.Offset, entry.Bytes);

    /// <summary>The image's bytes have the checksum that the index says.</summary>
    public bool IsWhole(in RecordEntry entry) => Checksum.Of(Image(entry)) == entry.Checksum;

    public void Dispose()
    {
        if (_start is not null)
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }

    private ReadOnlySpan<byte> Bytes(long offset, long length) => new(_start + offset, checked((int)length));

    private RecordEntry[] ReadTables(out string[] names)
    {
        RecordHeader header = Header;
        if (header.Count == 0)
            throw RecordHeader.Bad(Path, "it is not complete");
        long end = _fileBytes - RecordFormat.TailBytes;
        if (header.Count < 0 || header.Count > int.MaxValue / RecordFormat.EntryBytes
            || header.NamesOffset < RecordFormat.HeaderBytes || header.NamesOffset > header.IndexOffset
            || header.IndexOffset > end || header.IndexOffset - header.NamesOffset > int.MaxValue / 4
            || header.Count * RecordFormat.EntryBytes != end - header.IndexOffset)
            throw RecordHeader.Bad(Path, $"it has {_fileBytes} bytes, which are not what {header.Count} images take: truncated, or copied in part");
        ReadOnlySpan<byte> namesText = Bytes(header.NamesOffset, header.IndexOffset - header.NamesOffset);
        ReadOnlySpan<byte> index = Bytes(header.IndexOffset, end - header.IndexOffset);
        Crc32 checksum = new();
        checksum.Append(namesText);
        checksum.Append(index);
        if (checksum.Value != header.TableChecksum)
            throw RecordHeader.Bad(Path, "its index has another checksum than its header says");
        names = namesText.IsEmpty ? [] : Encoding.UTF8.GetString(namesText).Split('\n');
        var entries = new RecordEntry[header.Count];
        for (int i = 0; i < entries.Length; i++)
        {
            entries[i] = RecordEntry.Read(index.Slice(i * RecordFormat.EntryBytes, RecordFormat.EntryBytes))
                ?? throw RecordHeader.Bad(Path, $"the index's entry of image {i} is damaged");
            if (entries[i].Fault(header.Encoding, header.NamesOffset, names.Length) is { } fault)
                throw RecordHeader.Bad(Path, $"image {i} {fault}");
        }
        return entries;
    }
}
