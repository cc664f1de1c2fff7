using System.Text.Json;

namespace CudnnResNet.Weights;

/// <summary>
/// Safetensors files with an index, as Hugging Face shards large models: <c>*.safetensors.index.json</c> maps tensor names to
/// files in its own folder.
/// </summary>
public sealed class ShardedSafetensors : TensorSource
{
    private const int MaxIndexBytes = 64 << 20;
    private const int MaxShards = 1024;

    private readonly IReadOnlyList<(TensorSource Shard, TensorInfo Tensor)> _places;

    private ShardedSafetensors(string path, IReadOnlyList<(TensorSource Shard, TensorInfo Tensor)> places, IReadOnlyList<TensorSource> shards)
        : base(path, $"safetensors in {shards.Count} shards", [.. places.Select(place => place.Tensor)], shards[0].Metadata, shards) =>
        _places = places;

    /// <exception cref="ResNetException">The index or a shard is damaged, or they disagree.</exception>
    public static ShardedSafetensors Open(string path)
    {
        byte[] text = InputFile.Read(path, "safetensors index", stream =>
        {
            if (stream.Length > MaxIndexBytes)
                throw Bad(path, $"it has {stream.Length} bytes, over {MaxIndexBytes}");
            var bytes = new byte[stream.Length];
            InputFile.ReadExactly(stream, bytes, path);
            return bytes;
        });
        Dictionary<string, string> files = Parse(text, path);
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string[] names = [.. files.Values.Distinct().Order(StringComparer.Ordinal)];
        if (names.Length is 0 or > MaxShards)
            throw Bad(path, $"it names {names.Length} files; 1 to {MaxShards} are read");
        List<TensorSource> shards = [];
        try
        {
            List<(TensorSource, TensorInfo)> places = [];
            foreach (string name in names)
            {
                string shardPath = System.IO.Path.Combine(folder, name);
                TensorSource shard = SafetensorsSource.Open(InputFile.Open(shardPath, "safetensors file"), shardPath);
                shards.Add(shard);
                foreach (TensorInfo tensor in shard.Tensors)
                    if (!files.Remove(tensor.Name, out string? expected) || expected != name)
                        throw Bad(path, $"it does not place tensor '{tensor.Name}' in {name}, where it is");
                    else
                        places.Add((shard, tensor));
            }
            return files.Count == 0
                ? new ShardedSafetensors(path, places, shards)
                : throw Bad(path, $"it places '{files.First().Key}' in {files.First().Value}, where it is not");
        }
        catch
        {
            foreach (TensorSource shard in shards)
                shard.Dispose();
            throw;
        }
    }

    /// <summary>File names by tensor, each without a folder.</summary>
    /// <exception cref="ResNetException">The text is no index.</exception>
    internal static Dictionary<string, string> Parse(ReadOnlyMemory<byte> text, string path)
    {
        Dictionary<string, string> files = new(StringComparer.Ordinal);
        try
        {
            using JsonDocument json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 16 });
            if (json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw Bad(path, "it has no object 'weight_map'");
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
                if (string.IsNullOrEmpty(file) || file is "." or ".." || file.IndexOfAny(['/', '\\', '\0', ':']) >= 0)
                    throw Bad(path, $"tensor '{entry.Name}' is not placed in a file of the same folder");
                if (!files.TryAdd(entry.Name, file))
                    throw Bad(path, $"tensor '{entry.Name}' appears twice");
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half a surrogate pair in a string.
            throw new ResNetException($"{path}: not a safetensors index: it is not valid JSON; copy it again", e);
        }
        return files;
    }

    protected override ReadOnlyMemory<byte> ReadData(int index) => _places[index].Shard.Read(_places[index].Tensor).Data;

    private static ResNetException Bad(string path, string problem) =>
        new($"{path}: not a safetensors index: {problem}; copy it again");
}
