using System.Diagnostics.CodeAnalysis;

namespace CudnnResNet.Weights;

/// <summary>What a tensor file holds: tensors in the order of their data, and free text beside them.</summary>
public sealed class TensorFile
{
    private readonly Dictionary<string, NamedTensor> _byName;

    internal TensorFile(IReadOnlyList<NamedTensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        Tensors = tensors;
        Metadata = metadata;
        _byName = new Dictionary<string, NamedTensor>(tensors.Count, StringComparer.Ordinal);
        foreach (NamedTensor tensor in tensors)
            _byName.Add(tensor.Name, tensor);
    }

    public IReadOnlyList<NamedTensor> Tensors { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    public NamedTensor? TryGet(string name) => _byName.GetValueOrDefault(name);

    public bool TryGet(string name, [NotNullWhen(true)] out NamedTensor? tensor) => _byName.TryGetValue(name, out tensor);
}
