using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Tensors;

namespace CudnnResNet.Compilation;

/// <summary>The parameters of one batch norm of inference, by name.</summary>
public sealed record BatchNormNames(string Gamma, string Beta, string Mean, string Variance, double Epsilon);

/// <summary>A parameter of a folded graph, as a function of the network's parameters.</summary>
/// <param name="Target">The folded parameter's name.</param>
/// <param name="BatchNorm">The batch norm that went into it.</param>
public abstract record FoldedParameter(string Target, BatchNormNames BatchNorm);

/// <summary>w * gamma / sqrt(variance + epsilon), per output channel.</summary>
public sealed record FoldedFilter(string Target, BatchNormNames BatchNorm, string Filter)
    : FoldedParameter(Target, BatchNorm);

/// <summary>beta + (b - mean) * gamma / sqrt(variance + epsilon), with b = 0 where the convolution has no bias.</summary>
public sealed record FoldedBias(string Target, BatchNormNames BatchNorm, string? Bias)
    : FoldedParameter(Target, BatchNorm);

/// <summary>gamma / sqrt(variance + epsilon): the scale of a batch norm that no convolution took.</summary>
public sealed record FoldedScale(string Target, BatchNormNames BatchNorm) : FoldedParameter(Target, BatchNorm);

/// <summary>An inference graph without batch norms, and how its new parameters come from the old ones.</summary>
public sealed record FoldedGraph(LayerGraph Graph, ImmutableArray<FoldedParameter> Parameters);

/// <summary>
/// Folds each batch norm of inference into the convolution before it, where nothing else reads that convolution;
/// elsewhere (before a convolution, in pre-activation networks) it becomes one multiply-add per element.
/// </summary>
public static class BatchNormFolding
{
    public static FoldedGraph Apply(LayerGraph graph)
    {
        Dictionary<ValueId, int> readers = [];
        foreach (ValueId id in graph.Nodes.SelectMany(node => node.Inputs).Concat(graph.Outputs))
            readers[id] = readers.GetValueOrDefault(id) + 1;
        Dictionary<ValueId, Node> foldable = [];
        foreach (Node node in graph.Nodes)
            if (node.Operation is BatchNormInference && readers[node.Inputs[0]] == 1)
                foldable.Add(node.Inputs[0], node);

        Folder folder = new(graph);
        foreach (Node node in graph.Nodes)
            if (node.Operation is ConvolutionForward && foldable.TryGetValue(node.Outputs[0], out Node? batchNorm))
                folder.FoldIntoConvolution(node, batchNorm);
            else if (node.Operation is BatchNormInference)
                folder.ToScaleBias(node);
            else
                folder.Copy(node);
        return folder.ToFoldedGraph();
    }

    private sealed class Folder(LayerGraph graph)
    {
        private readonly GraphBuilder _builder = new();
        private readonly Dictionary<ValueId, ValueId> _map = [];
        private readonly List<FoldedParameter> _parameters = [];

        public void Copy(Node node)
        {
            ImmutableArray<ValueId> outputs = _builder.Apply(node.Operation, [.. node.Inputs.Select(Map)], node.Scope,
                [.. node.Outputs.Select(id => graph[id].Name)]);
            for (int i = 0; i < outputs.Length; i++)
                _map.Add(node.Outputs[i], outputs[i]);
        }

        public void FoldIntoConvolution(Node convolution, Node batchNorm)
        {
            BatchNormNames names = NamesOf(batchNorm);
            Value w = graph[convolution.Inputs[1]];
            string? bias = convolution.Inputs.Length == 3 ? graph[convolution.Inputs[2]].Name : null;
            string prefix = w.Name[..^".weight".Length];
            ValueId filter = Declare(new FoldedFilter($"{prefix}.folded_weight", names, w.Name), w.Shape, w.Type);
            ValueId shift = Declare(
                new FoldedBias($"{prefix}.folded_bias", names, bias), TensorShape.Vector(w.Shape.D0), w.Type);
            _map[batchNorm.Outputs[0]] = _builder.Apply(convolution.Operation,
                [Map(convolution.Inputs[0]), filter, shift], convolution.Scope, graph[batchNorm.Outputs[0]].Name)[0];
        }

        public void ToScaleBias(Node batchNorm)
        {
            if (_map.ContainsKey(batchNorm.Outputs[0]))
                return;
            BatchNormNames names = NamesOf(batchNorm);
            Value gamma = graph[batchNorm.Inputs[1]];
            string prefix = gamma.Name[..^".weight".Length];
            ValueId scale = Declare(new FoldedScale($"{prefix}.folded_scale", names), gamma.Shape, gamma.Type);
            ValueId shift = Declare(new FoldedBias($"{prefix}.folded_bias", names, Bias: null), gamma.Shape, gamma.Type);
            _map[batchNorm.Outputs[0]] = _builder.Apply(new ScaleBias(), [Map(batchNorm.Inputs[0]), scale, shift],
                batchNorm.Scope, graph[batchNorm.Outputs[0]].Name)[0];
        }

        public FoldedGraph ToFoldedGraph()
        {
            foreach (ValueId id in graph.Outputs)
                _builder.MarkOutput(Map(id));
            return new FoldedGraph(_builder.ToGraph(), [.. _parameters]);
        }

        private ValueId Declare(FoldedParameter parameter, TensorShape shape, DataType type)
        {
            _parameters.Add(parameter);
            return _builder.Declare(parameter.Target, shape, type, ValueRole.Parameter);
        }

        private ValueId Map(ValueId id)
        {
            if (_map.TryGetValue(id, out ValueId mapped))
                return mapped;
            Value value = graph[id];
            return _map[id] = _builder.Declare(value.Name, value.Shape, value.Type, value.Role);
        }

        private BatchNormNames NamesOf(Node node) => new(graph[node.Inputs[1]].Name, graph[node.Inputs[2]].Name,
            graph[node.Inputs[3]].Name, graph[node.Inputs[4]].Name, ((BatchNormInference)node.Operation).Epsilon);
    }
}
