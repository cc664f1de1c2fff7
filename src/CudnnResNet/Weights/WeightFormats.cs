using CudnnResNet.Weights.PyTorch;

namespace CudnnResNet.Weights;

/// <summary>Opens a file of tensors by what it holds, whatever its name.</summary>
public static class WeightFormats
{
    public const string Kind = "file of weights";

    private const string IndexSuffix = ".json";

    /// <summary>A safetensors file or its index, a PyTorch checkpoint, or an npz file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="others">Formats that the core does not know: the source, or null where the content is not theirs. They own the stream where they return a source.</param>
    /// <exception cref="ResNetException">The file is missing, damaged, or of no known format.</exception>
    public static TensorSource Open(string path, Func<Stream, string, TensorSource?>? others = null)
    {
        if (path.EndsWith(IndexSuffix, StringComparison.OrdinalIgnoreCase))
            return ShardedSafetensors.Open(path);
        FileStream stream = InputFile.Open(path, Kind);
        try
        {
            return Open(stream, path, others);
        }
        catch (IOException e)
        {
            stream.Dispose();
            throw InputFile.Unreadable(path, e);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static TensorSource Open(FileStream stream, string path, Func<Stream, string, TensorSource?>? others)
    {
        Span<byte> start = stackalloc byte[9];
        start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        stream.Position = 0;
        if (start.Length > 8 && start[8] == '{')
            return SafetensorsSource.Open(stream, path);
        if (start.StartsWith("PK"u8))
            return HoldsPickle(stream, path) ? PyTorchFile.Open(stream, path) : NpzSource.Open(stream, path);
        if (start is [0x80, <= 5, ..])
            return PyTorchFile.Open(stream, path);
        if (others?.Invoke(stream, path) is { } source)
            return source;
        stream.Dispose();
        // A damaged safetensors file is likelier than anything else under that name.
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return SafetensorsSource.Open(InputFile.Open(path, "safetensors file"), path);
        throw new ResNetException($"{path}: not a {Kind} in a known format (safetensors, PyTorch's .pth, ONNX, npz); "
            + (path.EndsWith(".tar", StringComparison.OrdinalIgnoreCase) ? "unpack it first" : "check that it was downloaded whole"));
    }

    private static bool HoldsPickle(FileStream stream, string path)
    {
        bool holds = ZipDirectory.Read(stream, path).Entries.Any(entry => entry.Name.EndsWith(".pkl", StringComparison.Ordinal));
        stream.Position = 0;
        return holds;
    }
}
