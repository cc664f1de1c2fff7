using System.Collections.Immutable;

namespace CudnnResNet.Weights;

/// <summary>A file of weights under torchvision's names, whatever names it was written with.</summary>
/// <param name="Format">In words.</param>
/// <param name="Convention">Whose names they were.</param>
/// <param name="File">The tensors, renamed, and the file's metadata.</param>
/// <param name="Network">What their shapes are.</param>
public sealed record NetworkFile(string Format, string Convention, TensorFile File, RecognizedNetwork Network)
{
    private const string Head = "fc.weight";

    /// <exception cref="ResNetException">The data are damaged, or two tensors get one name.</exception>
    public static NetworkFile Read(TensorSource source)
    {
        (string convention, ImmutableArray<TensorInfo> renamed) = Rename(source);
        NamedTensor[] tensors = [.. source.Tensors.Zip(renamed, (tensor, named) =>
            new NamedTensor(named.Name, named.Type, named.Shape, source.Read(tensor).Data))];
        return new NetworkFile(source.Format, convention, new TensorFile(tensors, source.Metadata), Recognize(renamed));
    }

    /// <summary>The convention and the tensors as <see cref="Read"/> would give them, without reading data.</summary>
    /// <exception cref="ResNetException">Two tensors get one name.</exception>
    public static (string Convention, ImmutableArray<TensorInfo> Tensors) Rename(TensorSource source)
    {
        (string convention, string[] names) = NameMap.Translate([.. source.Tensors.Select(tensor => tensor.Name)]);
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
            if (!seen.Add(name))
                throw new ResNetException($"{source.Path}: two of its tensors are '{Printable.Text(name)}' by {convention}'s names; export it again");
        return (convention, [.. source.Tensors.Zip(names, (tensor, name) => new TensorInfo(name, tensor.Type,
            // timm's classifiers of pre-activation networks are 1x1 convolutions.
            name == Head && tensor.Shape is [long classes, long features, 1, 1] ? [classes, features] : tensor.Shape))]);
    }

    public static RecognizedNetwork Recognize(IEnumerable<TensorInfo> renamed) =>
        RecognizedNetwork.Of(renamed.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal));
}
