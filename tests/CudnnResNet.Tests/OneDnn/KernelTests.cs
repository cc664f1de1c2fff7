using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>Every kernel that accepts a problem line computes what the definition says, in place too, and repeats itself.</summary>
public sealed class KernelTests
{
    public static TheoryData<string> Lines()
    {
        TheoryData<string> data = [];
        foreach (string line in KernelLines.All)
            foreach (string type in (string[])["f32", "bf16"])
                if (!line.Contains("TYPE", StringComparison.Ordinal))
                {
                    data.Add(line);
                    break;
                }
                else
                {
                    data.Add(line.Replace("TYPE", type, StringComparison.Ordinal));
                }
        return data;
    }

    [OneDnnTheory]
    [MemberData(nameof(Lines))]
    public void ComputesItsDefinition(string line)
    {
        Problem problem = ProblemParser.Parse(line);
        double[][] inputs = TestData.Inputs(problem, seed: line.Length);
        double[][] expected = Oracle.Run(problem, inputs);
        foreach (int threads in (int[])[1, 2])
        {
            using OneDnnBackend backend = new(threads);
            Kernel[] kernels = [.. backend.Kernels.Where(kernel => kernel.Check(problem).IsSupported)];
            Assert.NotEmpty(kernels);
            foreach (Kernel kernel in kernels)
            {
                byte[][] apart = Check(backend, kernel, problem, inputs, expected, inPlace: false);
                byte[][] inPlace = Check(backend, kernel, problem, inputs, expected, inPlace: true);
                Assert.Equal(apart, inPlace);
            }
        }
    }

    private static byte[][] Check(OneDnnBackend backend, Kernel kernel, Problem problem, double[][] inputs,
        double[][] expected, bool inPlace)
    {
        using KernelRun run = new(backend, kernel, problem, inputs, inPlace);
        run.Loaded.Run();
        foreach (ValueId id in Results(problem))
            RequireClose(kernel, problem, id, expected[id.Index], run.Values(id));
        byte[][] first = [.. Results(problem).Select(run.Read)];
        run.Reset();
        run.Loaded.Run();
        Assert.Equal(first, Results(problem).Select(run.Read));
        run.RequireGuards();
        return first;
    }

    /// <summary>Outputs, and inputs that change in place.</summary>
    private static IEnumerable<ValueId> Results(Problem problem) => problem.Outputs.Concat(problem.Nodes
        .SelectMany(node => OperationTable.Of(node.Operation).MutatedInputs.Select(slot => node.Inputs[slot])));

    /// <summary>
    /// Relative to the tensor's largest magnitude. float32 sums of up to a few thousand terms keep 1e-5 (the unit
    /// roundoff is 6e-8 and errors add like a random walk); a bf16 result is rounded once, by 2^-9 of itself, and may
    /// cross to a neighbour: 2^-8.
    /// </summary>
    private static void RequireClose(Kernel kernel, Problem problem, ValueId id, double[] expected, double[] actual)
    {
        double largest = Math.Max(expected.Max(Math.Abs), 1e-6);
        double tolerance = problem[id].Type switch
        {
            DataType.UInt8 => 0,
            DataType.BFloat16 => 1.0 / 256,
            _ => 1e-5,
        };
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(actual[i] - expected[i]) <= tolerance * largest,
                $"{kernel.Name} on '{problem.Line}': {id}[{i}] is {actual[i]:R}, expected {expected[i]:R} (largest {largest:R})");
    }
}
