using CudnnResNet.Onnx.Format;

namespace CudnnResNet.Onnx;

/// <summary>The nodes and constants of an ONNX graph by the names of what they make.</summary>
internal sealed class OnnxGraph
{
    private const int LongestMessage = 500;

    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> _constants = new(StringComparer.Ordinal);

    /// <exception cref="ResNetException">Two nodes make one value, or there is not one image input and an output.</exception>
    public OnnxGraph(GraphProto graph, string path)
    {
        Path = path;
        foreach (TensorProto tensor in graph.Initializer)
            if (!_constants.TryAdd(tensor.Name, tensor))
                throw Bad($"two initializers are named '{tensor.Name}'");
        foreach (NodeProto node in graph.Node)
        {
            if (node.Domain is not ("" or "ai.onnx"))
                throw Bad($"the operator {node.Domain}.{node.OpType} is not ONNX's own");
            foreach (string output in node.Output)
                if (output.Length > 0 && !_producers.TryAdd(output, node))
                    throw Bad($"two nodes make '{output}'");
            if (node is { OpType: "Constant", Output: [var name] } && Attribute(node, "value")?.T is { } constant)
                _constants.TryAdd(name, constant);
        }
        Nodes = graph.Node;
        string[] inputs = [.. graph.Input.Select(input => input.Name).Where(name => !_constants.ContainsKey(name))];
        if (inputs.Length != 1 || graph.Output.Count == 0)
            throw Bad($"it has {inputs.Length} inputs and {graph.Output.Count} outputs; a classifier has one input");
        (Input, Output) = (inputs[0], graph.Output[0].Name);
    }

    public string Path { get; }

    public IReadOnlyList<NodeProto> Nodes { get; }

    public string Input { get; }

    public string Output { get; }

    public TensorProto? Constant(string name) => _constants.GetValueOrDefault(Through(name, "Identity"));

    /// <summary>The node that makes a value, looking through those that change nothing.</summary>
    public NodeProto? Producer(string value) => _producers.GetValueOrDefault(Through(value, "Identity", "Dropout"));

    public NodeProto? Producer(string value, string operation) =>
        Producer(value) is { } node && node.OpType == operation && node.Input.Count > 0 ? node : null;

    /// <summary>The value behind a row of nodes of the given operations, each of which passes its first input on.</summary>
    public string Through(string value, params ReadOnlySpan<string> operations)
    {
        // A cycle cannot be longer than the graph.
        for (int steps = 0; steps <= _producers.Count; steps++)
        {
            if (!_producers.TryGetValue(value, out NodeProto? node) || node.Input.Count == 0 || !operations.Contains(node.OpType))
                return value;
            value = node.Input[0];
        }
        throw Bad($"its nodes around '{value}' form a cycle");
    }

    public static AttributeProto? Attribute(NodeProto node, string name)
    {
        foreach (AttributeProto attribute in node.Attribute)
            if (attribute.Name == name)
                return attribute;
        return null;
    }

    public static long Integer(NodeProto node, string name, long otherwise) => Attribute(node, name)?.I ?? otherwise;

    public static float Number(NodeProto node, string name, float otherwise) => Attribute(node, name)?.F ?? otherwise;

    /// <summary>Whether a list of integers has one value throughout; an absent one has the default.</summary>
    public static bool All(NodeProto node, string name, int count, long value, long otherwise)
    {
        AttributeProto? attribute = Attribute(node, name);
        if (attribute is null || attribute.Ints.Count == 0)
            return value == otherwise;
        if (attribute.Ints.Count != count)
            return false;
        foreach (long integer in attribute.Ints)
            if (integer != value)
                return false;
        return true;
    }

    public ResNetException Bad(string problem) => new(OneLine($"{Path}: not a ResNet that is read from ONNX: {problem}"));

    /// <summary>Names from the file may hold anything.</summary>
    public static string OneLine(string text)
    {
        string shown = text.Length <= LongestMessage ? text : text[..LongestMessage] + "…";
        return string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c));
    }
}
