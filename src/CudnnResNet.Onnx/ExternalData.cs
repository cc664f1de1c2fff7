using CudnnResNet.Onnx.Format;

namespace CudnnResNet.Onnx;

/// <summary>
/// Tensors whose data lie in a file beside the model. A model names that file, so it could name any: read only where the
/// caller allows it, below the model's own folder, and through no link.
/// </summary>
internal static class ExternalData
{
    /// <param name="tensor">With external data.</param>
    /// <param name="bytes">That it takes.</param>
    /// <param name="path">Of the model.</param>
    /// <param name="folder">Of the model; null where external data are not allowed.</param>
    /// <exception cref="ResNetException">Not allowed, outside the folder, or not there.</exception>
    public static byte[] Read(TensorProto tensor, long bytes, string path, string? folder)
    {
        if (folder is null)
            throw OnnxTensors.Bad(tensor, path, "its data are in another file, which is read only with --external-data");
        string location = ValueOf(tensor, "location") ?? "";
        long offset = Number(tensor, "offset", 0, path);
        long length = Number(tensor, "length", bytes, path);
        string file = Resolve(folder, location)
            ?? throw OnnxTensors.Bad(tensor, path, $"its data are in '{location}', which is not a file below the model's folder");
        if (length != bytes || offset < 0)
            throw OnnxTensors.Bad(tensor, path, $"it takes {bytes} bytes, and its external data are {length} at {offset}");
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (offset > stream.Length - length)
                throw OnnxTensors.Bad(tensor, path, $"{location} ends before its {length} bytes at {offset}");
            byte[] data = new byte[length];
            stream.Position = offset;
            stream.ReadExactly(data);
            return data;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw OnnxTensors.Bad(tensor, path, $"its data in {location} cannot be read ({e.Message})");
        }
    }

    /// <summary>The file below a folder that a relative path names; null where it leaves the folder or a part is a link.</summary>
    public static string? Resolve(string folder, string location)
    {
        if (location.Length == 0 || Path.IsPathRooted(location) || location.AsSpan().ContainsAny(['\\', ':', '\0']))
            return null;
        string at = folder;
        foreach (string part in location.Split('/'))
        {
            if (part is "" or "." or "..")
                return null;
            at = Path.Combine(at, part);
            FileSystemInfo entry = Directory.Exists(at) ? new DirectoryInfo(at) : new FileInfo(at);
            if (entry.LinkTarget is not null)
                return null;
        }
        return File.Exists(at) ? at : null;
    }

    private static string? ValueOf(TensorProto tensor, string key)
    {
        foreach (StringStringEntryProto entry in tensor.ExternalData)
            if (entry.Key == key)
                return entry.Value;
        return null;
    }

    private static long Number(TensorProto tensor, string key, long otherwise, string path) => ValueOf(tensor, key) switch
    {
        null => otherwise,
        { } text when long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long value) => value,
        { } text => throw OnnxTensors.Bad(tensor, path, $"its {key} '{text}' is no number"),
    };
}
