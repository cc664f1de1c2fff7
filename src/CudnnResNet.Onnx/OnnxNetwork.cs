using System.Collections.Immutable;
using CudnnResNet.Models;
using CudnnResNet.Onnx.Format;
using CudnnResNet.Training;
using CudnnResNet.Weights;
using Google.Protobuf;

namespace CudnnResNet.Onnx;

/// <summary>
/// A ResNet in an ONNX file, with its batch norms or with them folded into the convolutions, as a source of tensors under
/// torchvision's names. The network is found by the graph's structure, so its description is exact.
/// </summary>
public sealed class OnnxNetwork : TensorSource
{
    private const int DeepestMessage = 32;
    private const byte FirstField = 0x08;      // ir_version, which exporters write first.

    private readonly ImmutableArray<ParameterOrigin> _origins;
    private readonly string? _externalFolder;

    private OnnxNetwork(string path, IReadOnlyList<TensorInfo> tensors, ImmutableArray<ParameterOrigin> origins, ResNetSpec spec,
        ModelProto model, string? externalFolder)
        : base(path, "ONNX", tensors, Describe(spec, model), []) => (_origins, _externalFolder) = (origins, externalFolder);

    /// <summary>Opens a stream that begins like an ONNX file, and disposes of it; null where it does not begin so.</summary>
    /// <param name="stream">At its start.</param>
    /// <param name="path">Of the file.</param>
    /// <param name="allowExternalData">Data in other files below the model's folder are read.</param>
    /// <exception cref="ResNetException">The file is damaged, or holds no ResNet.</exception>
    public static OnnxNetwork? TryOpen(Stream stream, string path, bool allowExternalData = false)
    {
        int first = stream.ReadByte();
        stream.Position = 0;
        if (first != FirstField && !path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase))
            return null;
        using (stream)
            return Read(stream, path, allowExternalData ? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) : null);
    }

    private static OnnxNetwork Read(Stream stream, string path, string? externalFolder)
    {
        ModelProto model;
        try
        {
            using CodedInputStream input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, DeepestMessage);
            model = ModelProto.Parser.ParseFrom(input);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ResNetException($"{path}: not an ONNX file: {OnnxGraph.OneLine(e.Message)}; export the network again", e);
        }
        if (model.Graph is null)
            throw new ResNetException($"{path}: not an ONNX file: it has no graph; export the network again");
        OnnxGraph graph = new(model.Graph, path);
        foreach (ResNetSpec spec in OnnxRecognition.Candidates(graph))
            if (GraphMatch.Find(spec, graph) is { } origins)
            {
                TensorInfo[] tensors = [.. origins.Select(entry => Describe(entry.Key, entry.Value, spec, origins, path))];
                return new OnnxNetwork(path, tensors, [.. origins.Values], spec, model, externalFolder);
            }
        throw graph.Bad("its nodes are not connected like those of a ResNet-18 to 200 or of one of the small ones for CIFAR");
    }

    /// <summary>The graph says what the network is; the model's own properties may say what is done to images, and what classes are.</summary>
    private static Dictionary<string, string> Describe(ResNetSpec spec, ModelProto model)
    {
        Dictionary<string, string> metadata = [];
        foreach (StringStringEntryProto property in model.MetadataProps)
            metadata[property.Key] = property.Value;
        foreach ((string key, string value) in Checkpoint.Describe(spec))
            metadata[key] = value;
        return metadata;
    }

    /// <summary>Tensors that follow from a folded batch norm have an element per channel of its bias or filter.</summary>
    private static TensorInfo Describe(
        string name, ParameterOrigin origin, ResNetSpec spec, Dictionary<string, ParameterOrigin> origins, string path)
    {
        if (origin.Constant is { } constant)
        {
            TensorInfo found = OnnxTensors.Describe(constant, path);
            return new TensorInfo(name, origin.Shift != 0 ? Tensors64 : found.Type,
                origin.IsTransposed ? [.. found.Shape.Reverse()] : found.Shape);
        }
        string norm = name[..name.LastIndexOf('.')];
        string filter = norm.EndsWith("downsample.1", StringComparison.Ordinal)
            ? $"{norm[..^1]}0.weight"
            : $"{norm[..norm.LastIndexOf("bn", StringComparison.Ordinal)]}conv{FilterNumber(norm, spec)}.weight";
        return new TensorInfo(name, Tensors64, [origins[filter].Constant!.Dims[0]]);
    }

    /// <summary>The batch norm bnN takes in the convolution N, and in pre-activation networks the one before it.</summary>
    private static int FilterNumber(string norm, ResNetSpec spec) =>
        norm[^1] - '0' - (spec.Version == ResNetVersion.V2 ? 1 : 0);

    /// <summary>In double, 1 - epsilon plus epsilon is 1.</summary>
    private static CudnnResNet.Tensors.DataType Tensors64 => CudnnResNet.Tensors.DataType.Float64;

    protected override ReadOnlyMemory<byte> ReadData(int index)
    {
        (TensorInfo info, ParameterOrigin origin) = (Tensors[index], _origins[index]);
        long[] shape = [.. info.Shape];
        if (origin.Constant is not { } constant)
        {
            double[] same = new double[shape[0]];
            Array.Fill(same, origin.Value);
            return NamedTensor.FromDoubles(info.Name, shape, same).Data;
        }
        NamedTensor tensor = OnnxTensors.Read(constant, Path, _externalFolder);
        if (origin.Shift != 0)
            return NamedTensor.FromDoubles(info.Name, shape, Array.ConvertAll(tensor.ToDoubles(), value => value + origin.Shift)).Data;
        if (!origin.IsTransposed)
            return tensor.Data;
        int bytes = (int)(tensor.Data.Length / Math.Max(1, tensor.Elements)), rows = (int)shape[0], columns = (int)shape[1];
        byte[] transposed = new byte[tensor.Data.Length];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                tensor.Data.Span.Slice((j * rows + i) * bytes, bytes).CopyTo(transposed.AsSpan((i * columns + j) * bytes));
        return transposed;
    }
}
