using System.Globalization;
using System.Text;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Kernels;

/// <summary>
/// Writes the problem language: the head operation with its extents, attributes and element type, then
/// <c>+operation(attributes)</c> for every fused follower, <c>keep:i,j</c> for followers' predecessors whose result must
/// also be written (by position), <c>const</c> for weights that stay. <see cref="ProblemParser"/> reads it back.
/// </summary>
public static class ProblemText
{
    internal static string Format(Problem problem)
    {
        StringBuilder text = new();
        Node head = problem.Nodes[0];
        OperationTable.Row row = OperationTable.Of(head.Operation);
        Value chain = problem.Input(0, row.ChainInput);
        text.Append(row.Name);
        foreach (string token in ShapeTokens(head.Operation, chain.Shape))
            text.Append(' ').Append(token);
        foreach (string token in Attributes(head.Operation, isHead: true))
            text.Append(' ').Append(token);
        text.Append(' ').Append(HeadType(head.Operation, chain.Type).ShortName());
        if (head.Operation is Cast cast)
            text.Append(' ').Append(cast.To.ShortName());
        AppendOptionalOperands(text, head);
        for (int i = 1; i < problem.Nodes.Length; i++)
            AppendFollower(text, problem, i);

        string kept = string.Join(',', Enumerable.Range(0, problem.Nodes.Length - 1)
            .Where(i => problem.IsMaterialised(problem.Nodes[i].Outputs[0])));
        if (kept.Length > 0)
            text.Append(" keep:").Append(kept);
        if (problem.ConstantWeights)
            text.Append(" const");
        return text.ToString();
    }

    private static void AppendFollower(StringBuilder text, Problem problem, int index)
    {
        Node node = problem.Nodes[index];
        List<string> tokens = [.. Attributes(node.Operation, isHead: false)];
        for (int slot = 0; slot < node.Inputs.Length; slot++)
            if (EarlierUse(problem, index, node.Inputs[slot]) is int input)
                tokens.Add($"in{slot}=@{input}");
        text.Append(" +").Append(OperationTable.Of(node.Operation).Name);
        if (tokens.Count > 0)
            text.Append('(').AppendJoin(',', tokens).Append(')');
        AppendOptionalOperands(text, node);
    }

    /// <summary>The position among the problem's inputs of a side operand that an earlier node already reads.</summary>
    private static int? EarlierUse(Problem problem, int index, ValueId id)
    {
        for (int i = 0; i < index; i++)
            if (problem.Nodes[i].Inputs.Contains(id))
                return problem.Inputs.IndexOf(id);
        return null;
    }

    private static void AppendOptionalOperands(StringBuilder text, Node node)
    {
        if (node.Operation is ConvolutionForward && node.Inputs.Length == 3)
            text.Append(" +bias");
        if (node.Operation is MaxPool && node.Outputs.Length == 2)
            text.Append(" +argmax");
    }

    /// <summary>The one type of the line, from which all operand types follow: that of the activations.</summary>
    private static DataType HeadType(Operation operation, DataType chain) => operation switch
    {
        LinearBackwardData linear => linear.ActivationType,
        LinearBackwardFilter linear => linear.ActivationType,
        _ => chain,
    };

    private static string[] ShapeTokens(Operation operation, TensorShape chain) => operation switch
    {
        ConvolutionForward c => Extents(chain.N, c.Geometry),
        ConvolutionBackwardData c => Extents(chain.N, c.Geometry),
        ConvolutionBackwardFilter c => Extents(chain.N, c.Geometry),
        MaxPoolBackward { Geometry: var g } => [$"n{chain.N}", $"h{g.H}", $"w{g.W}", $"c{g.C}"],
        SubsampleBackward { Geometry: var g } => [$"n{chain.N}", $"h{g.H}", $"w{g.W}", $"c{g.C}"],
        Linear l => [$"n{chain.D0}", $"c{l.InFeatures}"],
        LinearBackwardData l => [$"n{chain.D0}", $"c{l.InFeatures}"],
        LinearBackwardFilter l => [$"n{chain.D0}", $"c{l.InFeatures}"],
        SgdUpdate or Blend or SquaredSum or Cast or FindOverflow => [$"e{chain.Elements}"],
        ClipScale or TrustRatio or AdjustLossScale => [],
        _ => chain.Rank switch
        {
            4 => [$"n{chain.N}", $"h{chain.H}", $"w{chain.W}", $"c{chain.C}"],
            2 => [$"n{chain.D0}", $"c{chain.D1}"],
            _ => [$"e{chain.Elements}"],
        },
    };

    private static string[] Extents(int n, ConvolutionGeometry g) => [$"n{n}", $"h{g.H}", $"w{g.W}", $"c{g.C}"];

    private static string[] Attributes(Operation operation, bool isHead) => operation switch
    {
        ConvolutionForward { Geometry: var g } => Filter(g),
        ConvolutionBackwardData { Geometry: var g } => isHead ? Filter(g) : [.. Input(g.H, g.W, g.C), .. Filter(g)],
        ConvolutionBackwardFilter { Geometry: var g } => Filter(g),
        BatchNormTraining bn => [$"eps{Number(bn.Epsilon)}", $"mom{Number(bn.Momentum)}"],
        BatchNormInference bn => [$"eps{Number(bn.Epsilon)}"],
        MaxPool { Geometry: var g } => Window(g),
        MaxPoolBackward { Geometry: var g } => isHead ? Window(g) : [.. Input(g.H, g.W, g.C), .. Window(g)],
        GlobalAveragePoolBackward g => [$"h{g.Height}", $"w{g.Width}"],
        Subsample { Geometry: var g } => Sampled(g),
        SubsampleBackward { Geometry: var g } => isHead ? Sampled(g) : [.. Input(g.H, g.W, g.C), .. Sampled(g)],
        Linear l => [$"k{l.OutFeatures}"],
        LinearBackwardData l => isHead ? [$"k{l.OutFeatures}"] : [$"c{l.InFeatures}", l.ActivationType.ShortName()],
        LinearBackwardFilter l => isHead ? [$"k{l.OutFeatures}"] : [$"c{l.InFeatures}", l.ActivationType.ShortName()],
        SoftmaxCrossEntropy l => [$"smooth{Number(l.Smoothing)}"],
        SoftmaxCrossEntropyBackward l => [$"smooth{Number(l.Smoothing)}"],
        SigmoidCrossEntropy l => [$"smooth{Number(l.Smoothing)}"],
        SigmoidCrossEntropyBackward l => [$"smooth{Number(l.Smoothing)}"],
        SgdUpdate u => [$"mom{Number(u.Momentum)}", $"wd{Number(u.WeightDecay)}", .. Word("nesterov", u.Nesterov),
            .. Word("scaled", u.IsScaled), .. Word("trusted", u.IsTrusted), .. Word("guarded", u.IsGuarded)],
        Blend b => [$"keep{Number(b.Keep)}", $"take{Number(b.Take)}", .. Word("guarded", b.IsGuarded)],
        SquaredSum s => Word("plus", s.Continues),
        ClipScale c => [$"max{Number(c.MaxNorm)}", .. Word("scaled", c.IsScaled)],
        AdjustLossScale a => [$"growth{Number(a.Growth)}", $"backoff{Number(a.Backoff)}", $"every{a.Interval}"],
        TrustRatio r => [$"coef{Number(r.Coefficient)}", $"wd{Number(r.WeightDecay)}", .. Word("scaled", r.IsScaled)],
        Cast when !isHead => [((Cast)operation).To.ShortName()],
        _ => [],
    };

    private static string[] Word(string word, bool isPresent) => isPresent ? [word] : [];

    private static string[] Input(int h, int w, int c) => [$"h{h}", $"w{w}", $"c{c}"];

    private static string[] Filter(ConvolutionGeometry g) =>
        [$"k{g.K}", $"r{g.R}", $"s{g.S}", $"stride{g.Stride}", $"pad{g.Padding}"];

    private static string[] Sampled(SubsampleGeometry g) => [$"k{g.K}", $"stride{g.Stride}"];

    private static string[] Window(PoolGeometry g) => [$"window{g.Window}", $"stride{g.Stride}", $"pad{g.Padding}"];

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
