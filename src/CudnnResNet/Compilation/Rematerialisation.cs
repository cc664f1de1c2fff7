using System.Collections.Immutable;
using CudnnResNet.Graph;

namespace CudnnResNet.Compilation;

/// <summary>
/// Frees the result of a batch norm, shortcut addition and ReLU after the forward pass and computes it again for the
/// backward pass, from the convolution's output and the saved statistics, which are kept anyway. What is freed costs a
/// pass over memory, never a convolution (cf. Bulò et al., arXiv 1712.02616).
/// </summary>
public static class Rematerialisation
{
    /// <summary>
    /// The values that may be freed, in the order of the forward pass. Of two block outputs in a row only one is
    /// offered, because a block's output is computed again from the one before.
    /// </summary>
    public static ImmutableArray<ValueId> Candidates(LayerGraph graph)
    {
        Recipe recipe = new(graph);
        HashSet<ValueId> offered = [];
        ImmutableArray<ValueId>.Builder candidates = ImmutableArray.CreateBuilder<ValueId>();
        foreach (Node node in graph.Nodes)
        {
            if (node.Operation is not Relu || !recipe.IsReadBackward(node.Outputs[0]))
                continue;
            if (recipe.NodesFor(node) is { } nodes && !nodes.Any(n => n.Inputs.Any(offered.Contains)))
            {
                offered.Add(node.Outputs[0]);
                candidates.Add(node.Outputs[0]);
            }
        }
        return candidates.ToImmutable();
    }

    /// <summary>The graph in which the backward pass reads fresh copies of <paramref name="freed"/>.</summary>
    public static LayerGraph Apply(LayerGraph graph, IReadOnlyCollection<ValueId> freed)
    {
        Recipe recipe = new(graph);
        GraphBuilder builder = new(graph);
        Dictionary<ValueId, ValueId> copies = [];
        List<Node> nodes = [.. graph.Nodes.Take(recipe.BackwardBegin)];
        for (int i = recipe.BackwardBegin; i < graph.Nodes.Length; i++)
        {
            Node node = graph.Nodes[i];
            foreach (ValueId id in node.Inputs)
                if (freed.Contains(id) && !copies.ContainsKey(id))
                    nodes.AddRange(recipe.Again(id, builder, copies));
            nodes.Add(node with { Inputs = [.. node.Inputs.Select(id => freed.Contains(id) ? copies[id] : id)] });
        }
        return builder.ToGraph() with { Nodes = [.. nodes] };
    }

    /// <summary>How values of the forward pass are computed again.</summary>
    private sealed class Recipe
    {
        private readonly LayerGraph _graph;
        private readonly Dictionary<ValueId, Node> _producer = [];

        public Recipe(LayerGraph graph)
        {
            _graph = graph;
            foreach (Node node in graph.Nodes)
                foreach (ValueId id in node.Outputs)
                    _producer[id] = node;
            BackwardBegin = graph.Nodes.TakeWhile(node => node.Operation is not
                (SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward)).Count();
        }

        /// <summary>The position of the first node of the backward pass.</summary>
        public int BackwardBegin { get; }

        public bool IsReadBackward(ValueId id) =>
            _graph.Nodes.Skip(BackwardBegin).Any(node => node.Inputs.Contains(id));

        /// <summary>The nodes to repeat, in order; null where a value would cost more than passes over memory.</summary>
        public List<Node>? NodesFor(Node relu)
        {
            if (!_producer.TryGetValue(relu.Inputs[0], out Node? inner))
                return null;
            List<Node> nodes = [];
            if (inner.Operation is Add)
            {
                foreach (ValueId operand in inner.Inputs)
                    if (_producer.TryGetValue(operand, out Node? side) && side.Operation is BatchNormTraining)
                        nodes.Add(side);
                    else if (!IsReadBackward(operand))
                        return null;
                nodes.Add(inner);
            }
            else if (inner.Operation is BatchNormTraining)
            {
                nodes.Add(inner);
            }
            else
            {
                return null;
            }
            nodes.Add(relu);
            return nodes;
        }

        /// <summary>Fresh nodes that compute <paramref name="id"/> again.</summary>
        public IEnumerable<Node> Again(ValueId id, GraphBuilder builder, Dictionary<ValueId, ValueId> copies)
        {
            foreach (Node node in NodesFor(_producer[id])!)
            {
                Value original = _graph[node.Outputs[0]];
                ValueId copy = builder.Declare(
                    $"{original.Name}.again", original.Shape, original.Type, ValueRole.Intermediate);
                bool isNorm = node.Operation is BatchNormTraining;
                ImmutableArray<ValueId> inputs = isNorm
                    ? [node.Inputs[0], node.Inputs[1], node.Inputs[2], node.Outputs[1], node.Outputs[2]]
                    : node.Inputs;
                yield return new Node(isNorm ? new BatchNormApply() : node.Operation,
                    [.. inputs.Select(input => copies.GetValueOrDefault(input, input))], [copy], node.Scope);
                copies[node.Outputs[0]] = copy;
            }
        }
    }
}
