using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Onnx.Format;
using CudnnResNet.Tensors;

namespace CudnnResNet.Onnx;

/// <summary>What an ONNX graph gives one of our parameters: a constant of the file, or numbers that follow from it.</summary>
/// <param name="Constant">Null where <paramref name="Value"/> holds for every element.</param>
/// <param name="Value">Where there is no constant.</param>
/// <param name="Shift">Added to every element of the constant.</param>
/// <param name="IsTransposed">The constant is [C,K].</param>
internal sealed record ParameterOrigin(TensorProto? Constant, double Value = 0, double Shift = 0, bool IsTransposed = false);

/// <summary>
/// Walks our graph and an ONNX graph together, from the logits backwards, and finds which constant of theirs is which
/// parameter of ours. Names play no part. A convolution of theirs may have a batch norm of ours folded into it.
/// </summary>
internal sealed class GraphMatch
{
    private readonly LayerGraph _ours;
    private readonly OnnxGraph _theirs;
    private readonly double _epsilon;
    private readonly Dictionary<ValueId, Node> _producers = [];
    private readonly Dictionary<ValueId, string> _matched = [];
    private readonly HashSet<(ValueId, string)> _failed = [];
    private readonly List<ValueId> _journal = [];

    private GraphMatch(LayerGraph ours, OnnxGraph theirs, double epsilon)
    {
        (_ours, _theirs, _epsilon) = (ours, theirs, epsilon);
        foreach (Node node in ours.Nodes)
            foreach (ValueId output in node.Outputs)
                _producers.Add(output, node);
    }

    /// <summary>Where each parameter comes from, by its name; null where the graphs differ.</summary>
    public static Dictionary<string, ParameterOrigin>? Find(ResNetSpec spec, OnnxGraph theirs)
    {
        const int AnySize = 64;
        LayerGraph ours = ResNetGraph.Inference(spec, batch: 1, AnySize, AnySize, Precision.Fp32);
        GraphMatch match = new(ours, theirs, spec.BatchNormEpsilon);
        return match.Match(ours.Outputs[0], theirs.Through(theirs.Output, "Softmax", "Identity"))
            ? match._parameters.ToDictionary(entry => ours[entry.Key].Name, entry => entry.Value)
            : null;
    }

    private readonly Dictionary<ValueId, ParameterOrigin> _parameters = [];

    private bool Match(ValueId ours, string theirs)
    {
        theirs = _theirs.Through(theirs, "Identity", "Dropout");
        if (_matched.TryGetValue(ours, out string? known))
            return known == theirs;
        if (_failed.Contains((ours, theirs)))
            return false;
        int mark = _journal.Count;
        bool isMatch = _producers.TryGetValue(ours, out Node? node)
            ? MatchNode(node, theirs)
            : theirs == _theirs.Input;
        if (isMatch)
        {
            _matched.Add(ours, theirs);
            _journal.Add(ours);
            return true;
        }
        Undo(mark);
        _failed.Add((ours, theirs));
        return false;
    }

    private void Undo(int mark)
    {
        for (int i = _journal.Count - 1; i >= mark; i--)
            _matched.Remove(_journal[i]);
        _journal.RemoveRange(mark, _journal.Count - mark);
    }

    private bool MatchNode(Node node, string theirs) => node.Operation switch
    {
        ConvolutionForward convolution => MatchConvolution(node, convolution.Geometry, theirs),
        BatchNormInference => MatchBatchNorm(node, theirs),
        Relu => _theirs.Producer(theirs, "Relu") is { } relu && Match(node.Inputs[0], relu.Input[0]),
        Add => MatchAdd(node, theirs),
        MaxPool pool => MatchMaxPool(node, pool.Geometry, theirs),
        Subsample subsample => MatchSubsample(node, subsample.Geometry, theirs),
        GlobalAveragePool => MatchAverage(node, theirs),
        Linear => MatchLinear(node, theirs),
        _ => false,
    };

    private bool MatchAdd(Node node, string theirs)
    {
        if (_theirs.Producer(theirs, "Add") is not { Input: [var a, var b] })
            return false;
        int mark = _journal.Count;
        if (Match(node.Inputs[0], a) && Match(node.Inputs[1], b))
            return true;
        Undo(mark);
        return Match(node.Inputs[0], b) && Match(node.Inputs[1], a);
    }

    private bool MatchConvolution(Node node, ConvolutionGeometry g, string theirs)
    {
        if (Convolution(g, theirs) is not { } conv || !Match(node.Inputs[0], conv.Input[0]))
            return false;
        bool hasBias = node.Inputs.Length == 3;
        return (conv.Input.Count > 2) == hasBias && Assign(node.Inputs[1], conv.Input[1])
            && (!hasBias || Assign(node.Inputs[2], conv.Input[2]));
    }

    /// <summary>Their convolution that makes a value, where it is ours in all but the weights.</summary>
    private NodeProto? Convolution(ConvolutionGeometry g, string theirs)
    {
        if (_theirs.Producer(theirs, "Conv") is not { Input.Count: 2 or 3 } conv)
            return null;
        bool isSame = OnnxGraph.All(conv, "strides", 2, g.Stride, 1) && OnnxGraph.All(conv, "pads", 4, g.Padding, 0)
            && OnnxGraph.All(conv, "dilations", 2, 1, 1) && OnnxGraph.Integer(conv, "group", 1) == 1
            && IsPaddedAsSaid(conv, g);
        return isSame ? conv : null;
    }

    /// <summary>The pads count; SAME_UPPER and SAME_LOWER pad by the image's size, and for odd sizes not as ours do.</summary>
    private static bool IsPaddedAsSaid(NodeProto conv, ConvolutionGeometry g) =>
        (OnnxGraph.Attribute(conv, "auto_pad")?.S.ToStringUtf8() ?? "") switch
        {
            "" or "NOTSET" => true,
            "VALID" => g.Padding == 0,
            _ => false,
        };

    private bool MatchBatchNorm(Node node, string theirs)
    {
        if (_theirs.Producer(theirs, "BatchNormalization") is { Input.Count: 5 } norm)
        {
            if (!Match(node.Inputs[0], norm.Input[0]))
                return false;
            double shift = Shortest(OnnxGraph.Number(norm, "epsilon", 1e-5f)) - _epsilon;
            return Assign(node.Inputs[1], norm.Input[1]) && Assign(node.Inputs[2], norm.Input[2])
                && Assign(node.Inputs[3], norm.Input[3]) && Assign(node.Inputs[4], norm.Input[4], shift);
        }
        // Folded: their convolution is ours and the batch norm in one, with a bias.
        if (!_producers.TryGetValue(node.Inputs[0], out Node? ours) || ours.Operation is not ConvolutionForward { Geometry: var g }
            || ours.Inputs.Length != 2 || Convolution(g, theirs) is not { } conv || !Match(ours.Inputs[0], conv.Input[0])
            || !Assign(ours.Inputs[1], conv.Input[1]))
            return false;
        _parameters[node.Inputs[1]] = new ParameterOrigin(null, 1);
        _parameters[node.Inputs[3]] = new ParameterOrigin(null, 0);
        _parameters[node.Inputs[4]] = new ParameterOrigin(null, 1 - _epsilon);
        if (conv.Input.Count > 2 && conv.Input[2].Length > 0)
            return Assign(node.Inputs[2], conv.Input[2]);
        _parameters[node.Inputs[2]] = new ParameterOrigin(null, 0);
        return true;
    }

    private bool MatchMaxPool(Node node, PoolGeometry g, string theirs) =>
        _theirs.Producer(theirs, "MaxPool") is { } pool
        && OnnxGraph.All(pool, "kernel_shape", 2, g.Window, 0) && OnnxGraph.All(pool, "strides", 2, g.Stride, 1)
        && OnnxGraph.All(pool, "pads", 4, g.Padding, 0) && OnnxGraph.Integer(pool, "ceil_mode", 0) == 0
        && Match(node.Inputs[0], pool.Input[0]);

    /// <summary>Pad behind one or two Slices. Their numbers are not read: only shortcuts pad channels.</summary>
    private bool MatchSubsample(Node node, SubsampleGeometry g, string theirs) =>
        g.Stride >= 1 && _theirs.Producer(theirs, "Pad") is { } pad
        && Match(node.Inputs[0], _theirs.Through(pad.Input[0], "Slice", "Identity"));

    private bool MatchAverage(Node node, string theirs)
    {
        string pooled = _theirs.Through(theirs, "Flatten", "Reshape", "Squeeze", "Identity", "Dropout");
        NodeProto? average = _theirs.Producer(pooled, "GlobalAveragePool") ?? _theirs.Producer(pooled, "ReduceMean")
            ?? _theirs.Producer(pooled, "AveragePool");
        return average is not null && Match(node.Inputs[0], average.Input[0]);
    }

    private bool MatchLinear(Node node, string theirs)
    {
        if (_theirs.Producer(theirs, "Gemm") is { Input: [var x, var w, var b] } gemm)
            return OnnxGraph.Number(gemm, "alpha", 1) == 1 && OnnxGraph.Number(gemm, "beta", 1) == 1
                && OnnxGraph.Integer(gemm, "transA", 0) == 0 && Match(node.Inputs[0], x)
                && Assign(node.Inputs[1], w, isTransposed: OnnxGraph.Integer(gemm, "transB", 0) == 0) && Assign(node.Inputs[2], b);
        if (_theirs.Producer(theirs, "Add") is not { Input: [var left, var right] })
            return false;
        (string product, string bias) = _theirs.Constant(right) is not null ? (left, right) : (right, left);
        return _theirs.Producer(product, "MatMul") is { Input: [var features, var weight] }
            && Match(node.Inputs[0], features) && Assign(node.Inputs[1], weight, isTransposed: true) && Assign(node.Inputs[2], bias);
    }

    /// <summary>Gives a parameter of ours a constant of theirs, where its shape is right.</summary>
    private bool Assign(ValueId parameter, string constant, double shift = 0, bool isTransposed = false)
    {
        TensorShape s = _ours[parameter].Shape;
        long[] expected = s.Rank switch
        {
            4 => [s.D0, s.D3, s.D1, s.D2],
            2 => isTransposed ? [s.D1, s.D0] : [s.D0, s.D1],
            _ => [s.D0],
        };
        if (_theirs.Constant(constant) is not { } tensor || !tensor.Dims.SequenceEqual(expected))
            return false;
        _parameters[parameter] = new ParameterOrigin(tensor, 0, shift, isTransposed);
        return true;
    }

    /// <summary>The float's shortest decimal, so that 1e-5f is 1e-5.</summary>
    internal static double Shortest(float value) => double.Parse(
        value.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
}
