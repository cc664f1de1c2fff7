using System.Diagnostics.CodeAnalysis;

namespace CudnnResNet.Weights;

/// <summary>
/// An open file of named tensors, whatever its format: names, shapes and types at once, data when they are asked for.
/// Not for several threads at a time.
/// </summary>
public abstract class TensorSource : IDisposable
{
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);

    private readonly IReadOnlyList<IDisposable> _owned;

    /// <param name="owned">What is disposed of with the source.</param>
    /// <exception cref="ResNetException">Two tensors have one name, or one takes more than an array can hold.</exception>
    protected TensorSource(string path, string format, IReadOnlyList<TensorInfo> tensors,
        IReadOnlyDictionary<string, string> metadata, IReadOnlyList<IDisposable> owned)
    {
        (Path, Format, Tensors, Metadata, _owned) = (path, format, tensors, metadata, owned);
        for (int i = 0; i < tensors.Count; i++)
        {
            if (!_index.TryAdd(tensors[i].Name, i))
                throw new ResNetException($"{path}: holds two tensors named '{Printable.Text(tensors[i].Name)}'; export it again");
            if (tensors[i].Bytes > Array.MaxLength)
                throw new ResNetException($"{path}: tensor '{Printable.Text(tensors[i].Name)}' takes {tensors[i].Bytes} bytes; tensors over 2 GB are not read");
        }
    }

    /// <summary>The file, for messages.</summary>
    public string Path { get; }

    /// <summary>In words: <c>safetensors</c>, <c>PyTorch zip</c>.</summary>
    public string Format { get; }

    public IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Free text beside the tensors; empty where the format has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    public bool TryGet(string name, [NotNullWhen(true)] out TensorInfo? tensor)
    {
        bool isThere = _index.TryGetValue(name, out int index);
        tensor = isThere ? Tensors[index] : null;
        return isThere;
    }

    /// <summary>Reads one of <see cref="Tensors"/>, in C order.</summary>
    /// <exception cref="ResNetException">The data are damaged or cannot be read.</exception>
    public NamedTensor Read(TensorInfo tensor)
    {
        try
        {
            return new NamedTensor(tensor.Name, tensor.Type, tensor.Shape, ReadData(_index[tensor.Name]));
        }
        catch (IOException e)
        {
            throw InputFile.Unreadable(Path, e);
        }
    }

    /// <summary>Reads every tensor.</summary>
    /// <exception cref="ResNetException">As <see cref="Read"/>.</exception>
    public TensorFile ReadAll() => new([.. Tensors.Select(Read)], Metadata);

    /// <summary>The data of tensor <paramref name="index"/>: exactly its bytes.</summary>
    protected abstract ReadOnlyMemory<byte> ReadData(int index);

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static IReadOnlyDictionary<string, string> NoMetadata { get; } = new Dictionary<string, string>();

    private protected static byte[] ReadBytes(Stream stream, long position, long bytes, string path)
    {
        var data = new byte[bytes];
        stream.Position = position;
        InputFile.ReadExactly(stream, data, path);
        return data;
    }
}
