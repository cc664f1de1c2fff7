using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Onnx.Format;
using CudnnResNet.Tensors;
using CudnnResNet.Training;
using CudnnResNet.Weights;
using Google.Protobuf;

namespace CudnnResNet.Onnx;

/// <summary>
/// Writes a network as ONNX: opset 17, float32, input <c>images</c> [N,C,H,W] with any batch and image size, output
/// <c>logits</c> [N,classes].
/// </summary>
public static class OnnxWriter
{
    private const int IrVersion = 8;
    private const int OpsetVersion = 17;
    private const int AnySize = 64;
    private const int Float = 1;

    /// <param name="path">The file to write.</param>
    /// <param name="spec">The network.</param>
    /// <param name="weights">By torchvision's names.</param>
    /// <param name="fold">Batch norms go into the convolutions before them, where there is one.</param>
    /// <param name="metadata">What else the file says of the network, as <see cref="Checkpoint.Describe"/> makes it.</param>
    /// <exception cref="ResNetException">The weights do not fit, or the file cannot be written.</exception>
    public static void Write(string path, ResNetSpec spec, NetworkWeights weights, bool fold,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        LayerGraph network = ResNetGraph.Inference(spec, batch: 1, AnySize, AnySize, Precision.Fp32);
        Value[] expected = [.. network.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State)];
        weights.RequireMatch(expected);
        Dictionary<string, Value> byName = expected.ToDictionary(value => value.Name);
        double[] Source(string name) => weights.ValuesOf(name, byName[name].Shape);
        FoldedGraph folded = fold ? BatchNormFolding.Apply(network) : new FoldedGraph(network, []);
        Dictionary<string, FoldedParameter> folds = folded.Parameters.ToDictionary(parameter => parameter.Target);

        GraphProto graph = new() { Name = $"resnet{spec.Depth}" };
        graph.Input.Add(Describe(ResNetGraph.Images, Symbol("N"), Extent(spec.InputChannels), Symbol("H"), Symbol("W")));
        graph.Output.Add(Describe(ResNetGraph.Logits, Symbol("N"), Extent(spec.Classes)));
        foreach (Value value in folded.Graph.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State))
        {
            double[] values = folds.TryGetValue(value.Name, out FoldedParameter? parameter)
                ? FoldedValues.Compute(parameter, Source)
                : Source(value.Name);
            NamedTensor tensor = NetworkWeights.ToFile(value, value.Name, values);
            graph.Initializer.Add(OnnxTensors.Make(value.Name, tensor.Shape, tensor.AsFloats()));
        }
        foreach (Node node in folded.Graph.Nodes)
            Append(graph, folded.Graph, node);

        ModelProto model = new() { IrVersion = IrVersion, ProducerName = "cudnnresnet", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = OpsetVersion });
        foreach ((string key, string value) in metadata ?? Checkpoint.Describe(spec))
            model.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        AtomicFile.Write(path, stream =>
        {
            // In large pieces: the file has no buffer of its own.
            using CodedOutputStream output = new(stream, 1 << 20, leaveOpen: true);
            model.WriteTo(output);
        });
    }

    private static void Append(GraphProto graph, LayerGraph network, Node node)
    {
        string y = network[node.Outputs[0]].Name;
        string[] inputs = [.. node.Inputs.Select(id => network[id].Name)];
        switch (node.Operation)
        {
            case ConvolutionForward { Geometry: var g }:
                Add("Conv", y, inputs, Ints("kernel_shape", g.R, g.S), Ints("strides", g.Stride, g.Stride),
                    Ints("pads", g.Padding, g.Padding, g.Padding, g.Padding));
                break;
            case BatchNormInference norm:
                Add("BatchNormalization", y, inputs, new AttributeProto { Name = "epsilon", Type = 1, F = (float)norm.Epsilon });
                break;
            case ScaleBias:
                AppendScaleBias(graph, network[node.Inputs[1]].Shape.D0, y, inputs);
                break;
            case Relu:
                Add("Relu", y, inputs);
                break;
            case CudnnResNet.Graph.Add:
                Add("Add", y, inputs);
                break;
            case MaxPool { Geometry: var g }:
                Add("MaxPool", y, inputs, Ints("kernel_shape", g.Window, g.Window), Ints("strides", g.Stride, g.Stride),
                    Ints("pads", g.Padding, g.Padding, g.Padding, g.Padding));
                break;
            case Subsample { Geometry: var g }:
                graph.Initializer.Add(OnnxTensors.Make($"{y}.starts", 0, 0));
                graph.Initializer.Add(OnnxTensors.Make($"{y}.ends", long.MaxValue, long.MaxValue));
                graph.Initializer.Add(OnnxTensors.Make($"{y}.axes", 2, 3));
                graph.Initializer.Add(OnnxTensors.Make($"{y}.steps", g.Stride, g.Stride));
                graph.Initializer.Add(OnnxTensors.Make($"{y}.pads", 0, g.Offset, 0, 0, 0, g.K - g.C - g.Offset, 0, 0));
                Add("Slice", $"{y}.sampled", [inputs[0], $"{y}.starts", $"{y}.ends", $"{y}.axes", $"{y}.steps"]);
                Add("Pad", y, [$"{y}.sampled", $"{y}.pads"]);
                break;
            case GlobalAveragePool:
                Add("GlobalAveragePool", $"{y}.pooled", inputs);
                Add("Flatten", y, [$"{y}.pooled"], new AttributeProto { Name = "axis", Type = 2, I = 1 });
                break;
            case Linear:
                Add("Gemm", y, inputs, new AttributeProto { Name = "transB", Type = 2, I = 1 });
                break;
            default:
                throw new NotSupportedException($"{node.Operation} has no form in ONNX here.");
        }

        void Add(string operation, string output, string[] operands, params AttributeProto[] attributes)
        {
            NodeProto made = new() { OpType = operation, Name = output };
            made.Input.AddRange(operands);
            made.Output.Add(output);
            made.Attribute.AddRange(attributes);
            graph.Node.Add(made);
        }
    }

    /// <summary>A batch norm that no convolution took stays one, with its statistics gone into scale and bias.</summary>
    private static void AppendScaleBias(GraphProto graph, int channels, string y, string[] inputs)
    {
        const float Epsilon = 1e-5f;
        float[] variance = new float[channels];
        Array.Fill(variance, 1 - Epsilon);
        graph.Initializer.Add(OnnxTensors.Make($"{y}.mean", [channels], new float[channels]));
        graph.Initializer.Add(OnnxTensors.Make($"{y}.variance", [channels], variance));
        NodeProto norm = new() { OpType = "BatchNormalization", Name = y };
        norm.Input.AddRange([.. inputs, $"{y}.mean", $"{y}.variance"]);
        norm.Output.Add(y);
        norm.Attribute.Add(new AttributeProto { Name = "epsilon", Type = 1, F = Epsilon });
        graph.Node.Add(norm);
    }

    private static AttributeProto Ints(string name, params ReadOnlySpan<int> values)
    {
        AttributeProto attribute = new() { Name = name, Type = 7 };
        foreach (int value in values)
            attribute.Ints.Add(value);
        return attribute;
    }

    private static ValueInfoProto Describe(string name, params TensorShapeProto.Types.Dimension[] extents)
    {
        TensorShapeProto shape = new();
        shape.Dim.AddRange(extents);
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = Float, Shape = shape } },
        };
    }

    private static TensorShapeProto.Types.Dimension Symbol(string name) => new() { DimParam = name };

    private static TensorShapeProto.Types.Dimension Extent(int value) => new() { DimValue = value };
}
