using System.Buffers.Binary;

namespace CudnnResNet.Weights;

/// <summary>A safetensors file whose tensors are read when they are asked for.</summary>
public sealed class SafetensorsSource : TensorSource
{
    private readonly Stream _stream;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;

    private SafetensorsSource(Stream stream, string path, SafetensorsHeader header, long dataStart)
        : base(path, "safetensors", [.. header.Entries.Select(entry => new TensorInfo(entry.Name, entry.Type, entry.Shape))], header.Metadata, [stream]) =>
        (_stream, _header, _dataStart) = (stream, header, dataStart);

    /// <param name="stream">Seekable, at its start; the source disposes of it, also where this fails.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ResNetException">The header is damaged.</exception>
    public static SafetensorsSource Open(Stream stream, string path)
    {
        try
        {
            Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
            Safetensors.CheckFirstBytes(stream.Length, path);
            InputFile.ReadExactly(stream, length, path);
            int headerBytes = SafetensorsHeader.CheckLength(BinaryPrimitives.ReadUInt64LittleEndian(length), stream.Length, path);
            long dataStart = length.Length + headerBytes;
            SafetensorsHeader header = SafetensorsHeader.Parse(
                ReadBytes(stream, length.Length, headerBytes, path), stream.Length - dataStart, path);
            return new SafetensorsSource(stream, path, header, dataStart);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    protected override ReadOnlyMemory<byte> ReadData(int index)
    {
        SafetensorsHeader.Entry entry = _header.Entries[index];
        return entry.Widened(ReadBytes(_stream, _dataStart + entry.Begin, entry.End - entry.Begin, Path));
    }
}
