using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Onnx;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli;

/// <summary>Weights from a file of any known format, and what the file says of their network.</summary>
/// <param name="Path">The file.</param>
/// <param name="Weights">By torchvision's names.</param>
/// <param name="Spec">From the metadata or the graph, else from names and shapes, which leave v1 against v1.5 and the stem's stride open.</param>
/// <param name="IsDescribed">The metadata or the graph describe the network.</param>
/// <param name="Normalization">Of the images that it was trained on; null where the file does not say.</param>
/// <param name="ClassNames">One for each class; null where the file does not say.</param>
/// <param name="Doubt">Why the tensors are no network of the family; null where they are.</param>
internal sealed record WeightsFile(
    string Path, NetworkWeights Weights, ResNetSpec Spec, bool IsDescribed, Normalization? Normalization,
    IReadOnlyList<string>? ClassNames, string? Doubt)
{
    /// <summary>A source of any known format.</summary>
    /// <exception cref="ResNetException">No file of weights.</exception>
    public static TensorSource Open(string path, bool allowExternalData = false) =>
        WeightFormats.Open(path, (stream, name) => OnnxNetwork.TryOpen(stream, name, allowExternalData));

    /// <param name="path">The file.</param>
    /// <param name="allowExternalData">An ONNX file's data may lie in other files below its folder.</param>
    /// <param name="wantsAverage">Take the moving average of a checkpoint's weights, whatever it says to serve.</param>
    /// <exception cref="ResNetException">No file of weights, or none with a moving average.</exception>
    public static WeightsFile Load(string path, bool wantsAverage = false, bool allowExternalData = false)
    {
        using TensorSource source = Open(path, allowExternalData);
        NetworkFile network = NetworkFile.Read(source);
        ResNetSpec? described = Checkpoint.SpecOf(network.File, path);
        return new WeightsFile(path, Checkpoint.ServedBy(network.File, path, wantsAverage), described ?? network.Network.Spec,
            described is not null, Checkpoint.NormalizationOf(network.File, path),
            Checkpoint.ClassNamesOf(network.File.Metadata, path), described is null ? network.Network.Doubt : null);
    }

    /// <summary>The classes' names, of a network with so many; null where the file does not say.</summary>
    public IReadOnlyList<string>? ClassNamesFor(int classes) => ClassNames?.Count == ResNetSpec.LabelsOf(classes) ? ClassNames : null;

    /// <summary>
    /// The weights with another classifier, where the network has other classes than the file; the file's classifier is
    /// left out.
    /// </summary>
    /// <param name="fresh">The network's weights as drawn, which give the classifier.</param>
    public NetworkWeights WithHeadOf(NetworkWeights fresh)
    {
        Dictionary<string, NamedTensor> tensors = new(Weights.Tensors);
        foreach (string name in (ReadOnlySpan<string>)["fc.weight", "fc.bias"])
            tensors[name] = fresh.Tensors[name];
        return Weights with { Tensors = tensors };
    }
}
