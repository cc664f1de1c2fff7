using System.Collections.Immutable;

namespace CudnnResNet.Graph;

/// <summary>
/// States what a legal graph is: ids match positions, each value has at most one producer, nothing is read before it
/// is made, every operand has the shape and type that <see cref="ShapeRules"/> asks for.
/// </summary>
public static class GraphVerifier
{
    /// <exception cref="InvalidOperationException">The graph is not legal; the message names the node and the value.</exception>
    public static void Verify(LayerGraph graph)
    {
        bool[] isAvailable = new bool[graph.Values.Length];
        for (int i = 0; i < graph.Values.Length; i++)
        {
            Require(graph.Values[i].Id.Index == i, $"value {i} has the id {graph.Values[i].Id}");
            isAvailable[i] = graph.Values[i].IsPersistent;
        }
        foreach (Node node in graph.Nodes)
            VerifyNode(graph, node, isAvailable);
        foreach (ValueId id in graph.Outputs)
            Require(isAvailable[id.Index], $"output '{graph[id].Name}' is never made");
    }

    private static void VerifyNode(LayerGraph graph, Node node, bool[] isAvailable)
    {
        string where = $"{node.Operation.GetType().Name} of '{node.Scope}'";
        foreach (ValueId id in node.Inputs)
            Require(isAvailable[id.Index], $"{where} reads '{graph[id].Name}' before it is made");
        ImmutableArray<TensorType> given =
            [.. node.Inputs.Select(id => new TensorType(graph[id].Shape, graph[id].Type))];
        TensorType chain = given[OperationTable.Of(node.Operation).ChainInput];
        string? refusal = ShapeRules.ChainRefusal(node.Operation, chain.Shape);
        Require(refusal is null, $"{where} {refusal}");
        Require(given.SequenceEqual(ShapeRules.Inputs(node.Operation, chain, given.Length)),
            $"{where} has operands {string.Join(", ", given)}");
        ImmutableArray<TensorType> made = ShapeRules.Outputs(node.Operation, given, node.Outputs.Length);
        Require(made.SequenceEqual(node.Outputs.Select(id => new TensorType(graph[id].Shape, graph[id].Type))),
            $"{where} makes {string.Join(", ", made)}");
        foreach (ValueId id in node.Outputs)
        {
            Require(!isAvailable[id.Index], $"{where} makes '{graph[id].Name}' a second time");
            isAvailable[id.Index] = true;
        }
        foreach (int slot in OperationTable.Of(node.Operation).MutatedInputs)
            Require(graph[node.Inputs[slot]].IsPersistent,
                $"{where} changes '{graph[node.Inputs[slot]].Name}', which does not outlive the run");
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException($"The graph is not legal: {what}.");
    }
}
