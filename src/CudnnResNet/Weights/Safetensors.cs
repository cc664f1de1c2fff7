using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>Reads and writes safetensors files. The reader is strict: a file is read whole and consistent, or refused.</summary>
public static class Safetensors
{
    private const string Kind = "safetensors file";

    /// <summary>Reads a file, each tensor into an array of its own, so that files over 2 GB can be read.</summary>
    /// <exception cref="ResNetException">The file is missing, damaged, of an unknown dtype, or a tensor is over 2 GB.</exception>
    public static TensorFile Read(string path) => InputFile.Read(path, Kind, stream =>
    {
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        CheckFirstBytes(stream.Length, path);
        InputFile.ReadExactly(stream, length, path);
        int headerBytes = SafetensorsHeader.CheckLength(BinaryPrimitives.ReadUInt64LittleEndian(length), stream.Length, path);
        var json = new byte[headerBytes];
        InputFile.ReadExactly(stream, json, path);
        SafetensorsHeader header = SafetensorsHeader.Parse(json, stream.Length - length.Length - headerBytes, path);

        var tensors = new NamedTensor[header.Entries.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            SafetensorsHeader.Entry entry = header.Entries[i];
            if (entry.End - entry.Begin > Array.MaxLength / (entry.Narrow is null ? 1 : 2))
                throw new ResNetException($"{path}: tensor '{entry.Name}' takes {entry.End - entry.Begin} bytes; tensors over 2 GB are not read, so split it");
            var data = new byte[entry.End - entry.Begin];
            InputFile.ReadExactly(stream, data, path);
            tensors[i] = new NamedTensor(entry.Name, entry.Type, entry.Shape, entry.Widened(data));
        }
        return new TensorFile(tensors, header.Metadata);
    });

    /// <summary>Parses a file that is in memory; the tensors share that memory.</summary>
    /// <exception cref="ResNetException">The content is damaged or of an unknown dtype.</exception>
    public static TensorFile Parse(ReadOnlyMemory<byte> file, string nameForErrors)
    {
        CheckFirstBytes(file.Length, nameForErrors);
        int headerBytes = SafetensorsHeader.CheckLength(BinaryPrimitives.ReadUInt64LittleEndian(file.Span), file.Length, nameForErrors);
        ReadOnlyMemory<byte> data = file[(SafetensorsHeader.LengthBytes + headerBytes)..];
        SafetensorsHeader header = SafetensorsHeader.Parse(file.Span.Slice(SafetensorsHeader.LengthBytes, headerBytes), data.Length, nameForErrors);

        var tensors = new NamedTensor[header.Entries.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            SafetensorsHeader.Entry entry = header.Entries[i];
            tensors[i] = new NamedTensor(entry.Name, entry.Type, entry.Shape, entry.Widened(data[(int)entry.Begin..(int)entry.End]));
        }
        return new TensorFile(tensors, header.Metadata);
    }

    /// <summary>
    /// Writes a file through <see cref="AtomicFile"/>. Wider types come first, otherwise in the given order, so that every
    /// tensor is aligned for readers that map the file.
    /// </summary>
    /// <exception cref="ArgumentException">Two tensors of one name, or one named as the metadata.</exception>
    /// <exception cref="ResNetException">The file cannot be written; an earlier file of that name is as it was.</exception>
    public static void Write(string path, IReadOnlyList<NamedTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        NamedTensor[] ordered = [.. tensors.OrderByDescending(t => t.Type.ByteSize())];
        ReadOnlyMemory<byte> header = HeaderOf(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header.Span);
            foreach (NamedTensor tensor in ordered)
                stream.Write(tensor.Data.Span);
        });
    }

    private static ReadOnlyMemory<byte> HeaderOf(NamedTensor[] tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject(SafetensorsHeader.MetadataKey);
                foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                    json.WriteString(key, value);
                json.WriteEndObject();
            }
            var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataKey };
            long begin = 0;
            foreach (NamedTensor tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new ArgumentException($"two tensors are named '{tensor.Name}', or the name is reserved");
                WriteEntry(json, tensor, begin);
                begin += tensor.Data.Length;
            }
            json.WriteEndObject();
        }
        int padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        return buffer.WrittenMemory;
    }

    private static void WriteEntry(Utf8JsonWriter json, NamedTensor tensor, long begin)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", SafetensorsTypes.Name(tensor.Type));
        json.WriteStartArray("shape");
        foreach (long extent in tensor.Shape)
            json.WriteNumberValue(extent);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(begin + tensor.Data.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    internal static void CheckFirstBytes(long fileBytes, string file)
    {
        if (fileBytes < SafetensorsHeader.LengthBytes)
            throw SafetensorsHeader.Bad(file, $"it has {fileBytes} bytes; the header's length alone takes {SafetensorsHeader.LengthBytes}");
    }
}
