namespace CudnnResNet.Data;

/// <summary>
/// The compressed bytes of a gzip file as a stream that says how far a reader came. The last byte is handed out alone: a
/// decoder that ends without it leaves something over, one that asks for more is given a truncated file.
/// </summary>
internal sealed class GzipBody(ReadOnlyMemory<byte> bytes) : Stream
{
    private int _at;

    public bool LastByteTaken => _at == bytes.Length;

    public bool AskedForMore { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        int left = bytes.Length - _at;
        AskedForMore |= left == 0;
        int count = Math.Min(buffer.Length, left > 1 ? left - 1 : left);
        bytes.Span.Slice(_at, count).CopyTo(buffer);
        _at += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
