using System.Text;

namespace CudnnResNet.Imaging.Records;

/// <summary>
/// Writes a records file beside its place, as FILE.partial, and renames it when it is whole. A partial file of the same
/// fingerprint is continued after its last undamaged record.
/// </summary>
internal sealed class RecordWriter : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly RecordEncoding _encoding;
    private readonly ulong _fingerprint;
    private readonly List<RecordEntry> _entries = [];
    private readonly byte[] _header = new byte[RecordFormat.HeaderBytes];
    private long _end = RecordFormat.HeaderBytes;

    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public RecordWriter(string path, RecordEncoding encoding, ulong fingerprint)
    {
        (_path, _encoding, _fingerprint) = (path, encoding, fingerprint);
        try
        {
            _stream = new FileStream(PartialOf(path), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 20);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ResNetException($"{PartialOf(path)}: cannot be written ({error.Message}); choose another folder, or wait for who writes it", error);
        }
        Resume();
    }

    /// <summary>Records that are there already.</summary>
    public int Count => _entries.Count;

    /// <summary>The number in the packed set after the last record's; 0 where there is none.</summary>
    public int NextSource => _entries.Count == 0 ? 0 : _entries[^1].Source + 1;

    public static string PartialOf(string path) => path + ".partial";

    public void Add(ReadOnlySpan<byte> image, int width, int height, int label, int source)
    {
        long offset = RecordFormat.Align(_end + RecordFormat.EntryBytes);
        RecordEntry entry = new(offset, image.Length, width, height, label, source, Checksum.Of(image));
        Span<byte> head = stackalloc byte[RecordFormat.Alignment + RecordFormat.EntryBytes];
        // The record's header ends where the image begins, so that it is found again from the image before it.
        head = head[..(int)(offset - _end)];
        head.Clear();
        entry.Write(head[^RecordFormat.EntryBytes..]);
        _stream.Write(head);
        _stream.Write(image);
        _end = offset + image.Length;
        _entries.Add(entry);
    }

    /// <summary>Writes names, index and header, and puts the file into its place.</summary>
    /// <exception cref="ResNetException">The file cannot be written.</exception>
    public void Finish(IReadOnlyList<string> classNames)
    {
        byte[] names = Encoding.UTF8.GetBytes(string.Join('\n', classNames.Select(name => name.ReplaceLineEndings(" "))));
        byte[] index = new byte[_entries.Count * RecordFormat.EntryBytes];
        for (int i = 0; i < _entries.Count; i++)
            _entries[i].Write(index.AsSpan(i * RecordFormat.EntryBytes, RecordFormat.EntryBytes));
        Crc32 checksum = new();
        checksum.Append(names);
        checksum.Append(index);
        _stream.Write(names);
        _stream.Write(index);
        _stream.Write(new byte[RecordFormat.TailBytes]);
        WriteHeader(new RecordHeader(_encoding, _fingerprint, _entries.Count, _end, _end + names.Length, checksum.Value));
        _stream.SetLength(_end + names.Length + index.Length + RecordFormat.TailBytes);
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(PartialOf(_path), _path, overwrite: true);
    }

    public void Dispose() => _stream.Dispose();

    private void WriteHeader(RecordHeader header)
    {
        header.Write(_header);
        _stream.Position = 0;
        _stream.Write(_header);
    }

    /// <summary>Takes over what a broken-off writer of the same left, record by record, until one is damaged or missing.</summary>
    private void Resume()
    {
        bool isSame = false;
        if (_stream.ReadAtLeast(_header, _header.Length, throwOnEndOfStream: false) == _header.Length)
            try
            {
                RecordHeader header = RecordHeader.Read(_header, _path);
                isSame = header.Fingerprint == _fingerprint && header.Encoding == _encoding;
            }
            catch (ResNetException)
            {
                // Not a header: begun anew.
            }
        if (isSame)
            while (ReadRecord() is { } entry)
            {
                _entries.Add(entry);
                _end = entry.Offset + entry.Bytes;
            }
        else
            WriteHeader(new RecordHeader(_encoding, _fingerprint, 0, 0, 0, 0));
        _stream.SetLength(_end);
        _stream.Position = _end;
    }

    private RecordEntry? ReadRecord()
    {
        long offset = RecordFormat.Align(_end + RecordFormat.EntryBytes);
        byte[] head = new byte[RecordFormat.EntryBytes];
        _stream.Position = offset - head.Length;
        if (_stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length
            || RecordEntry.Read(head) is not { } entry || entry.Offset != offset
            || entry.Fault(_encoding, _stream.Length, int.MaxValue) is not null)
            return null;
        byte[] image = new byte[entry.Bytes];
        _stream.ReadExactly(image);
        return Checksum.Of(image) == entry.Checksum ? entry : null;
    }
}
