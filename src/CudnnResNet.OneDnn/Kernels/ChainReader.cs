using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.OneDnn.Kernels;

/// <summary>Reads a problem's nodes from left to right: each <see cref="Take{T}"/> is an optional link of the chain.</summary>
internal struct ChainReader(Problem problem)
{
    private int _next;

    internal readonly bool AtEnd => _next == problem.Nodes.Length;

    internal Node? Take<T>() where T : Operation =>
        !AtEnd && problem.Nodes[_next].Operation is T ? problem.Nodes[_next++] : null;

    /// <summary>Whether the head's activations are float32 or bf16.</summary>
    internal static bool HasComputableType(Problem problem) =>
        problem.Input(0, OperationTable.Of(problem.Nodes[0].Operation).ChainInput).Type
            is DataType.Float32 or DataType.BFloat16;

    /// <summary>Whether an operand is read from memory, not produced inside the chain.</summary>
    internal static bool IsSide(Problem problem, ValueId operand) => problem.Inputs.Contains(operand);

    /// <summary>
    /// The tensor that an add at a chain's end reads, where the result may take its place: not if the head reads it too, which
    /// may still do so when first results are written.
    /// </summary>
    internal static ValueId? Addend(Problem problem, Node? add) =>
        add is null || problem.Nodes[0].Inputs.Contains(add.Inputs[1]) ? null : add.Inputs[1];

    /// <summary>Whether, apart from the nodes given, only the last one's results are to be written.</summary>
    internal static bool KeepsOnly(Problem problem, params ReadOnlySpan<Node?> keepers)
    {
        foreach (Node node in problem.Nodes.AsSpan()[..^1])
            if (problem.IsMaterialised(node.Outputs[0]) && !keepers.Contains(node))
                return false;
        return true;
    }
}
