using System.Collections.Immutable;
using System.Numerics;
using System.Text;

namespace CudnnResNet.Weights.PyTorch;

/// <summary>
/// A .pth, .pt or .th file of torch.save: the zip format of PyTorch 1.6 and later, or the older row of pickles. The
/// pickle is interpreted by <see cref="PickleMachine"/>; nothing in the file is run.
/// </summary>
public sealed class PyTorchFile : TensorSource
{
    private const string PickleName = "data.pkl";
    private const int MaxPickleBytes = 256 << 20;
    private const long LegacyProtocol = 1001;
    private static readonly BigInteger LegacyMagic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);

    private readonly Stream _stream;
    private readonly ImmutableArray<PickleTensor> _tensors;
    private readonly Dictionary<string, long> _storageStarts;

    private PyTorchFile(Stream stream, string path, string format,
        IReadOnlyList<(string Name, PickleTensor Tensor)> tensors, Dictionary<string, long> storageStarts)
        : base(path, format, [.. tensors.Select(entry => Describe(entry.Name, entry.Tensor, path))], NoMetadata, [stream])
    {
        _stream = stream;
        _tensors = [.. tensors.Select(entry => entry.Tensor)];
        _storageStarts = storageStarts;
    }

    /// <param name="stream">Seekable, at its start; the source disposes of it, also where this fails.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ResNetException">The file is damaged, or holds other things than plain containers and tensors.</exception>
    public static PyTorchFile Open(Stream stream, string path)
    {
        try
        {
            int first = stream.ReadByte();
            stream.Position = 0;
            return first == 'P' ? OpenZip(stream, path) : OpenLegacy(stream, path);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static PyTorchFile OpenZip(Stream stream, string path)
    {
        ZipDirectory zip = ZipDirectory.Read(stream, path);
        ZipEntry[] pickles = [.. zip.Entries.Where(entry => entry.Name == PickleName || entry.Name.EndsWith($"/{PickleName}", StringComparison.Ordinal))];
        if (pickles is not [ZipEntry pickle])
            throw new ResNetException($"{path}: not a PyTorch file: the archive holds {pickles.Length} files named {PickleName} instead of one");
        string folder = pickle.Name[..^PickleName.Length];
        if (zip.Find(folder + "constants.pkl") is not null)
            throw new ResNetException($"{path}: is a TorchScript archive, a program; save its weights with torch.save(model.state_dict(), path)");
        if (zip.Find(folder + "byteorder") is { } order && Encoding.ASCII.GetString(zip.Content(order, limitBytes: 16)) != "little")
            throw new ResNetException($"{path}: was saved on a big-endian machine, which is not read; save it again on another");

        Dictionary<string, long> starts = new(StringComparer.Ordinal);
        PickleInput input = new(new MemoryStream(zip.Content(pickle, MaxPickleBytes)), path);
        object? root = new PickleMachine(input, id =>
        {
            if (id.Items is not ["storage", PickleName { Storage: { } type }, string key, string, long elements])
                throw input.Bad("refers to a storage in a way that is not known");
            if (zip.Find($"{folder}data/{key}") is not { IsStored: true } entry
                || elements < 0 || elements > entry.Bytes / type.ElementBytes)
                throw input.Bad($"refers to the storage '{key}' of {elements} elements, which the archive does not hold");
            starts[key] = entry.DataStart;
            return new PickleStorage(key, type, 0, elements);
        }).Run();
        return new PyTorchFile(stream, path, "PyTorch zip", StateDictionary.Find(root, path), starts);
    }

    private static PyTorchFile OpenLegacy(Stream stream, string path)
    {
        PickleInput input = new(stream, path);
        Dictionary<string, (StorageType Type, long Elements)> storages = new(StringComparer.Ordinal);
        PickleMachine machine = new(input, id => LegacyStorage(id, storages, input));
        if (machine.Run() is not BigInteger magic || magic != LegacyMagic || machine.Run() is not LegacyProtocol)
            throw new ResNetException($"{path}: not a PyTorch file: it begins with another pickle; save the weights with torch.save(model.state_dict(), path)");
        if (machine.Run() is PickleDictionary system && system.Get("little_endian") is false)
            throw new ResNetException($"{path}: was saved on a big-endian machine, which is not read; save it again on another");
        object? root = machine.Run();
        object? keys = machine.Run();
        if (keys is not PickleList list)
            throw input.Bad("lists no storages");

        Dictionary<string, long> starts = new(StringComparer.Ordinal);
        stream.Position = input.Position;
        Span<byte> count = stackalloc byte[sizeof(long)];
        foreach (object? item in list.Items)
        {
            InputFile.ReadExactly(stream, count, path);
            long elements = BitConverter.ToInt64(count);
            if (item is not string key || !storages.TryGetValue(key, out var storage) || !starts.TryAdd(key, stream.Position)
                || storage.Elements > elements || elements > (stream.Length - stream.Position) / storage.Type.ElementBytes)
                throw input.Bad($"lists storages that it does not use, twice, or of other sizes ({elements} elements here)");
            stream.Position += elements * storage.Type.ElementBytes;
        }
        if (storages.Keys.FirstOrDefault(key => !starts.ContainsKey(key)) is { } missing)
            throw input.Bad($"refers to the storage '{missing}', which it does not hold");
        return new PyTorchFile(stream, path, "PyTorch legacy", StateDictionary.Find(root, path), starts);
    }

    /// <summary>('storage', type, key, device, elements, view), where a view is (key, first element, elements) or None.</summary>
    private static PickleStorage LegacyStorage(
        PickleTuple id, Dictionary<string, (StorageType Type, long Elements)> storages, PickleInput input)
    {
        if (id.Items is not ["storage", PickleName { Storage: { } type }, string key, string, long elements, var view] || elements < 0)
            throw input.Bad("refers to a storage in a way that is not known");
        if (storages.TryGetValue(key, out var known) ? known != (type, elements) : !storages.TryAdd(key, (type, elements)))
            throw input.Bad($"gives the storage '{key}' two types or sizes");
        return view switch
        {
            null => new PickleStorage(key, type, 0, elements),
            PickleTuple { Items: [_, long first, long count] } when first >= 0 && count >= 0 && first <= elements - count =>
                new PickleStorage(key, type, first, count),
            _ => throw input.Bad($"views the storage '{key}' outside its {elements} elements"),
        };
    }

    private static TensorInfo Describe(string name, PickleTensor tensor, string path) =>
        new(name, tensor.Storage.Type.Type ?? throw new ResNetException(
            $"{path}: tensor '{Printable.Text(name)}' is of an integer type that is not read; convert it to int64 or float32"),
            [.. tensor.Shape]);

    protected override ReadOnlyMemory<byte> ReadData(int index)
    {
        PickleTensor tensor = _tensors[index];
        int elementBytes = tensor.Storage.Type.ElementBytes;
        long span = TensorViews.Span(tensor);
        if (span > Array.MaxLength / elementBytes)
            throw new ResNetException($"{Path}: tensor '{Printable.Text(Tensors[index].Name)}' is spread over {span} elements; save a contiguous copy of it");
        byte[] bytes = ReadBytes(_stream,
            _storageStarts[tensor.Storage.Key] + (tensor.Storage.First + tensor.Offset) * elementBytes, span * elementBytes, Path);
        return TensorViews.IsContiguous(tensor) ? bytes : TensorViews.Gather(tensor, bytes, elementBytes);
    }
}
