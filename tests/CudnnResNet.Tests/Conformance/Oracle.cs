using System.Collections.Immutable;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>What a problem's values should be, and how far from that a correct kernel may be.</summary>
/// <param name="Values">Every value of the problem after the run, in double.</param>
/// <param name="Bounds">For every value that a node made or changed.</param>
internal sealed record Expectation(
    IReadOnlyDictionary<ValueId, double[]> Values, IReadOnlyDictionary<ValueId, ErrorBound> Bounds);

/// <summary>
/// Runs a problem node by node on the reference backend in double. Inputs are already rounded to the type under test,
/// so both see the same numbers; what the type under test rounds on the way is part of the bounds.
/// </summary>
internal sealed class Oracle(ReferenceBackend reference)
{
    public Expectation Run(Problem problem, Dictionary<ValueId, double[]> inputs)
    {
        Dictionary<ValueId, double[]> values = new(inputs);
        Dictionary<ValueId, ErrorBound> bounds = [];
        foreach (Node node in problem.Nodes)
        {
            double[][] before = [.. node.Inputs.Select((id, slot) => Operand(problem, node, slot, values[id]))];
            NodeResult result = Run(problem, node, before);
            Tolerance tolerance = new(problem, node, before, result, bounds);
            for (int i = 0; i < node.Outputs.Length; i++)
            {
                values[node.Outputs[i]] = result.Outputs[i];
                bounds[node.Outputs[i]] = tolerance.OfOutput(i);
            }
            foreach ((int slot, double[] changed) in result.Mutated)
            {
                values[node.Inputs[slot]] = changed;
                bounds[node.Inputs[slot]] = tolerance.OfMutated(slot);
            }
        }
        return new Expectation(values, bounds);
    }

    /// <summary>A weight wider than the activations is rounded to their type before use (see <see cref="Operation"/>).</summary>
    private static double[] Operand(Problem problem, Node node, int slot, double[] values) => (node.Operation, slot) switch
    {
        (ConvolutionForward or ConvolutionBackwardData or Linear, 1) =>
            StorageFormat.Round(values, problem[node.Inputs[0]].Type),
        (LinearBackwardData linear, 1) => StorageFormat.Round(values, linear.ActivationType),
        _ => values,
    };

    private NodeResult Run(Problem problem, Node node, double[][] inputs)
    {
        if (node.Operation is Cast { To: var type })
            return new NodeResult([StorageFormat.Round(inputs[0], type)], []);
        Problem widened = Widen(problem, node);
        Kernel kernel = reference.Kernels.Single(kernel => kernel.Check(widened).IsSupported);
        ArenaImage image = new(widened, kernel);
        // By slot, not by value: a value that a node reads twice keeps the contents of its first slot.
        for (int slot = inputs.Length - 1; slot >= 0; slot--)
            image.Set(widened.Nodes[0].Inputs[slot], inputs[slot]);
        using Arena arena = reference.Allocate(image.Bytes);
        image.Run(kernel, reference, arena);
        return new NodeResult(
            [.. widened.Nodes[0].Outputs.Select(image.Get)],
            [.. OperationTable.Of(node.Operation).MutatedInputs.Select(slot => (slot, image.Get(widened.Nodes[0].Inputs[slot])))]);
    }

    private static Problem Widen(Problem problem, Node node)
    {
        ImmutableArray<Value> values = [.. node.Inputs.Concat(node.Outputs).Distinct()
            .Select((id, index) => problem[id] with { Id = new ValueId(index), Type = Widen(problem[id].Type) })];
        ImmutableArray<ValueId> ids = [.. node.Inputs.Concat(node.Outputs).Distinct()];
        Operation operation = node.Operation switch
        {
            LinearBackwardData linear => linear with { ActivationType = DataType.Float64 },
            LinearBackwardFilter linear => linear with { ActivationType = DataType.Float64 },
            Operation other => other,
        };
        ImmutableArray<ValueId> outputs = [.. node.Outputs.Select(Local)];
        return new Problem(values, [new Node(operation, [.. node.Inputs.Select(Local)], outputs, node.Scope)], outputs,
            constantWeights: false);

        ValueId Local(ValueId id) => new(ids.IndexOf(id));
    }

    private static DataType Widen(DataType type) =>
        type is DataType.Float32 or DataType.BFloat16 or DataType.Float16 ? DataType.Float64 : type;
}

/// <summary>What one node made, and what it changed in place, by input slot.</summary>
internal sealed record NodeResult(double[][] Outputs, (int Slot, double[] Values)[] Mutated);
