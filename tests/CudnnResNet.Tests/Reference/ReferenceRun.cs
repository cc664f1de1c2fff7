using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using CudnnResNet.Tests.Conformance;

namespace CudnnResNet.Tests.Reference;

/// <summary>One problem line on the reference backend, with operands as arrays of doubles.</summary>
internal static class ReferenceRun
{
    /// <summary>The outputs, then the inputs that changed in place.</summary>
    /// <param name="line">A problem of one operation.</param>
    /// <param name="inputs">By operand position.</param>
    public static double[][] Run(string line, params double[][] inputs) => Run(line, threads: 1, inputs);

    public static double[][] Run(string line, int threads, params double[][] inputs)
    {
        using ReferenceBackend backend = new(threads);
        Problem problem = ProblemParser.Parse(line);
        Node node = problem.Nodes[0];
        Kernel kernel = KernelCheck.Accepting(backend, problem).Single();
        ArenaImage image = new(problem, kernel);
        for (int slot = 0; slot < inputs.Length; slot++)
        {
            Assert.Equal(problem.Input(0, slot).Shape.Elements, inputs[slot].Length);
            image.Set(node.Inputs[slot], inputs[slot]);
        }
        using Arena arena = backend.Allocate(image.Bytes);
        image.Run(kernel, backend, arena);
        Assert.Null(image.Trespass());
        return [.. node.Outputs.Concat(OperationTable.Of(node.Operation).MutatedInputs.Select(slot => node.Inputs[slot]))
            .Select(image.Get)];
    }

    /// <summary>Numbers around zero, the same for the same seed.</summary>
    public static double[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        double[] numbers = new double[count];
        for (int i = 0; i < count; i++)
            numbers[i] = 2 * random.NextDouble() - 1;
        return numbers;
    }

    /// <summary>Equal to within the rounding of sums in another order, relative to the largest element.</summary>
    public static void AssertClose(double[] expected, double[] actual, double tolerance = 1e-13)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1, expected.Max(Math.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * scale,
                $"element {i} is {actual[i]:R} instead of {expected[i]:R}");
    }
}
