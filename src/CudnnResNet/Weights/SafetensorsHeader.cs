using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Unicode;

using CudnnResNet.Tensors;

namespace CudnnResNet.Weights;

/// <summary>
/// The checked header of a safetensors file. Format: https://huggingface.co/docs/safetensors, "Format"; eight bytes of
/// header length, a JSON object of tensors, then their data without gap or overlap.
/// </summary>
internal sealed class SafetensorsHeader
{
    public const int LengthBytes = 8;

    /// <summary>The format's own limit.</summary>
    public const int MaxBytes = 100_000_000;

    public const string MetadataKey = "__metadata__";

    /// <summary>One tensor's place; Begin and End are bytes from the end of the header.</summary>
    /// <param name="Narrow">What the file holds, where that is to be widened to <paramref name="Type"/>.</param>
    public sealed record Entry(string Name, DataType Type, ImmutableArray<long> Shape, long Begin, long End, Float8Format? Narrow)
    {
        /// <summary>The tensor's data, from the bytes of the file.</summary>
        public ReadOnlyMemory<byte> Widened(ReadOnlyMemory<byte> bytes) => Narrow is { } format ? Float8.Widen(bytes.Span, format) : bytes;
    }

    private readonly string _file;
    private readonly List<Entry> _entries = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file) => _file = file;

    /// <summary>In the order of their data.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Checks the first eight bytes against the file's length and returns the header's length.</summary>
    public static int CheckLength(ulong headerBytes, long fileBytes, string file)
    {
        if (headerBytes > MaxBytes)
            throw Bad(file, $"the header claims {headerBytes} bytes, over the format's limit of {MaxBytes}");
        if ((long)headerBytes > fileBytes - LengthBytes)
            throw Bad(file, $"the header claims {headerBytes} bytes but the file has only {fileBytes}: truncated, or not safetensors");
        return (int)headerBytes;
    }

    /// <summary>Parses and checks the header against the bytes of data that follow it.</summary>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataBytes, string file)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
            throw Bad(file, "the header does not start with '{'");
        // Utf8JsonReader checks the text of strings only when they are asked for.
        if (!Utf8.IsValid(json))
            throw Bad(file, "the header is not UTF-8");
        var header = new SafetensorsHeader(file);
        try
        {
            header.ReadObject(json);
        }
        catch (JsonException e)
        {
            throw new ResNetException($"{file}: not a safetensors file: the header is not valid JSON at byte {LengthBytes + (e.BytePositionInLine ?? 0)}", e);
        }
        header.CheckOffsets(dataBytes);
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 3 });
        Advance(ref reader);
        while (Advance(ref reader) == JsonTokenType.PropertyName)
        {
            string name = Text(ref reader);
            Advance(ref reader);
            if (name == MetadataKey)
                ReadMetadata(ref reader);
            else if (_names.Add(name))
                _entries.Add(ReadEntry(ref reader, name));
            else
                throw Bad($"tensor '{name}' appears twice");
        }
        // The JSON reader itself refuses anything but white space after the closing brace.
        while (reader.Read())
        {
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, MetadataKey);
        if (!_names.Add(MetadataKey))
            throw Bad($"{MetadataKey} appears twice");
        while (Advance(ref reader) == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader);
            Advance(ref reader);
            Expect(ref reader, JsonTokenType.String, MetadataKey);
            if (!_metadata.TryAdd(key, Text(ref reader)))
                throw Bad($"{MetadataKey} holds '{key}' twice");
        }
    }

    private Entry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, name);
        (DataType? type, Float8Format? narrow, string dtype) = (null, null, "");
        ImmutableArray<long>? shape = null;
        ImmutableArray<long>? offsets = null;
        while (Advance(ref reader) == JsonTokenType.PropertyName)
        {
            string key = Text(ref reader);
            Advance(ref reader);
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String, name);
                    dtype = Text(ref reader);
                    narrow = SafetensorsTypes.ParseFloat8(dtype);
                    type = narrow is null ? SafetensorsTypes.Parse(dtype) : DataType.Float16;
                    if (type is null)
                        throw Bad($"tensor '{name}' has dtype {dtype}, which is not read here; convert it to one of {SafetensorsTypes.Known}");
                    break;
                case "shape" when shape is null:
                    shape = ReadIntegers(ref reader, name, ElementCount.MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadIntegers(ref reader, name, 2);
                    break;
                default:
                    throw Bad($"tensor '{name}' has the key '{key}' twice, or it is not one of dtype, shape, data_offsets");
            }
        }
        if (type is not { } t || shape is not { } s || offsets is not [long begin, long end])
            throw Bad($"tensor '{name}' lacks a dtype, a shape or two data_offsets");
        if (!ElementCount.TryBytes(s.AsSpan(), t, out long bytes))
            throw Bad($"tensor '{name}': its shape [{string.Join(',', s)}] overflows");
        if (narrow is not null)
            bytes /= DataType.Float16.ByteSize();
        if (begin > end || end - begin != bytes)
            throw Bad($"tensor '{name}': {dtype} [{string.Join(',', s)}] takes {bytes} bytes, but its data_offsets are {begin} to {end}");
        return new Entry(name, t, s, begin, end, narrow);
    }

    private ImmutableArray<long> ReadIntegers(ref Utf8JsonReader reader, string name, int limit)
    {
        Expect(ref reader, JsonTokenType.StartArray, name);
        Span<long> values = stackalloc long[limit];
        int count = 0;
        while (Advance(ref reader) != JsonTokenType.EndArray)
        {
            if (count == limit)
                throw Bad($"tensor '{name}' has a list longer than {limit}");
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
                throw Bad($"tensor '{name}' has an extent or offset that is not a whole number from 0 to 2^63 - 1");
            values[count++] = value;
        }
        return [.. values[..count]];
    }

    /// <summary>The data must be covered from its first byte to its last, each byte by one tensor.</summary>
    private void CheckOffsets(long dataBytes)
    {
        _entries.Sort(static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long covered = 0;
        foreach (Entry entry in _entries)
        {
            if (entry.Begin != covered)
                throw Bad($"tensor '{entry.Name}' starts at byte {entry.Begin} of the data, where {covered} was expected: a gap or an overlap");
            covered = entry.End;
        }
        if (covered != dataBytes)
            throw Bad($"the tensors take {covered} bytes but the file holds {dataBytes} bytes of data: {(covered > dataBytes ? "truncated" : "something follows them")}");
    }

    /// <summary>The next token, where the end of the text inside an object is an error too.</summary>
    private JsonTokenType Advance(ref Utf8JsonReader reader) =>
        reader.Read() ? reader.TokenType : throw Bad("the header ends early");

    private void Expect(ref Utf8JsonReader reader, JsonTokenType expected, string where)
    {
        if (reader.TokenType != expected)
            throw Bad($"'{where}' holds a {reader.TokenType} where a {expected} belongs");
    }

    private string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new ResNetException($"{_file}: not a safetensors file: the header has a string with half a surrogate pair", e);
        }
    }

    private ResNetException Bad(string problem) => Bad(_file, problem);

    internal static ResNetException Bad(string file, string problem) =>
        new($"{file}: not a safetensors file: {problem}; copy or export it again");
}
