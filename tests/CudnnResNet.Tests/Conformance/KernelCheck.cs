using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.Conformance;

/// <summary>Checks one kernel on one problem against the oracle, and that it keeps its hands off what is not its own.</summary>
internal static class KernelCheck
{
    public static IEnumerable<Kernel> Accepting(IBackend backend, Problem problem) =>
        backend.Kernels.Where(kernel => kernel.Check(problem).IsSupported);

    public static string Refusals(IBackend backend, Problem problem) => string.Join("; ",
        backend.Kernels.Select(kernel => $"{kernel.Name}: {kernel.Check(problem).Refusal}").Distinct());

    /// <summary>The precision that a backend must support to be asked for a problem.</summary>
    public static Precision PrecisionOf(Problem problem)
    {
        DataType[] types = [.. problem.Values.Select(value => value.Type)];
        return types.Contains(DataType.BFloat16) ? Precision.Bf16
            : types.Contains(DataType.Float16) ? Precision.Fp16
            : types.Contains(DataType.Float64) ? Precision.Fp64 : Precision.Fp32;
    }

    public static void Check(IBackend backend, Kernel kernel, Problem problem, Oracle oracle)
    {
        Dictionary<ValueId, double[]> inputs = new OperandFill(problem).Inputs();
        Check(backend, kernel, problem, inputs, oracle.Run(problem, inputs));
    }

    /// <summary>The right numbers, the same again, and the same again where results take over operands' memory.</summary>
    public static void Check(IBackend backend, Kernel kernel, Problem problem,
        Dictionary<ValueId, double[]> inputs, Expectation expected)
    {
        ArenaImage apart = Run(backend, kernel, problem, inputs, [], runs: 1);
        Compare(kernel, problem, apart, expected);

        Dictionary<ValueId, ValueId> overwrites = Overwrites(kernel, problem);
        RequireSame(kernel, problem, apart, Run(backend, kernel, problem, inputs, [], runs: 2), "a second run");
        if (overwrites.Count > 0)
            RequireSame(kernel, problem, apart, Run(backend, kernel, problem, inputs, overwrites, runs: 1),
                $"overwriting {string.Join(", ", overwrites.Select(pair => $"{pair.Value} with {pair.Key}"))}");
    }

    private static ArenaImage Run(IBackend backend, Kernel kernel, Problem problem,
        Dictionary<ValueId, double[]> inputs, Dictionary<ValueId, ValueId> overwrites, int runs)
    {
        ArenaImage image = new(problem, kernel, overwrites);
        foreach ((ValueId id, double[] values) in inputs)
            image.Set(id, values);
        using Arena arena = backend.Allocate(image.Bytes);
        image.Run(kernel, backend, arena, runs);
        if (image.Trespass() is { } trespass)
            Assert.Fail($"'{kernel.Name}' on '{problem}': {trespass}.");
        return image;
    }

    private static void Compare(Kernel kernel, Problem problem, ArenaImage image, Expectation expected)
    {
        foreach ((ValueId id, ErrorBound bound) in expected.Bounds)
        {
            if (!problem.IsMaterialised(id) && !problem.Inputs.Contains(id))
                continue;
            double[] actual = image.Get(id);
            double[] truth = expected.Values[id];
            DataType type = problem[id].Type;
            double rounding = problem.Outputs.Contains(id) && kernel.RoundsToActivationType(problem, id)
                ? StorageFormat.UnitRoundoff(problem.Input(0, OperationTable.Of(problem.Operations[0]).ChainInput).Type)
                : 0;
            for (int i = 0; i < actual.Length; i++)
            {
                double target = bound.IsExact ? StorageFormat.Round(truth[i], type) : truth[i];
                double allowed = bound.IsExact ? 0 : bound.Allowed(i, target, type);
                // What is rounded is the result with its error.
                allowed += rounding * (Math.Abs(target) + allowed);
                // Written so that a NaN fails.
                if (!(Math.Abs(actual[i] - target) <= allowed))
                    Assert.Fail($"'{kernel.Name}' on '{problem}': element {i} of {actual.Length} of {Describe(problem, id)} "
                        + $"is {actual[i]:R} instead of {target:R}; {allowed:G3} is allowed.");
            }
        }
    }

    private static void RequireSame(Kernel kernel, Problem problem, ArenaImage first, ArenaImage second, string what)
    {
        foreach (ValueId id in problem.Outputs.Concat(Changed(problem)))
            if (!first.GetBytes(id).SequenceEqual(second.GetBytes(id)))
                Assert.Fail($"'{kernel.Name}' on '{problem}': {what} gives {Describe(problem, id)} other bits.");
    }

    /// <summary>As the memory planner takes a kernel's offers: each input for one output, never one that must last.</summary>
    private static Dictionary<ValueId, ValueId> Overwrites(Kernel kernel, Problem problem)
    {
        HashSet<ValueId> lasting = [.. Changed(problem)];
        Dictionary<ValueId, ValueId> overwrites = [];
        foreach (ValueId output in problem.Outputs)
            if (kernel.MayOverwrite(problem, output) is { } input)
            {
                Assert.Contains(input, problem.Inputs);
                if (problem[input].Bytes == problem[output].Bytes && lasting.Add(input))
                    overwrites.Add(output, input);
            }
        return overwrites;
    }

    /// <summary>Inputs that the problem changes in place.</summary>
    private static IEnumerable<ValueId> Changed(Problem problem) => problem.Nodes.SelectMany(node =>
        OperationTable.Of(node.Operation).MutatedInputs.Select(slot => node.Inputs[slot]));

    private static string Describe(Problem problem, ValueId id)
    {
        for (int i = 0; i < problem.Nodes.Length; i++)
            if (problem.Nodes[i].Outputs.IndexOf(id) is int slot && slot >= 0)
                return $"output {slot} of node {i}";
        return $"input {problem.Inputs.IndexOf(id)}";
    }
}
