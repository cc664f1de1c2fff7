using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using Xunit.Abstractions;

namespace CudnnResNet.Tests.Conformance;

/// <summary>One backend and the oracle, shared by all lines of a test class.</summary>
public sealed class ConformanceFixture : IDisposable
{
    /// <summary>One takes all shortcuts, two share out the work; a GPU has threads of its own.</summary>
    private static int[] ThreadsOf(string backendName) => backendName == "cuda" ? [1] : [1, 2];

    private readonly ReferenceBackend _reference = new(threads: 2);
    private readonly Dictionary<(string, int), IBackend> _backends = [];

    public void Dispose()
    {
        foreach (IBackend backend in _backends.Values)
            backend.Dispose();
        _reference.Dispose();
    }

    /// <summary>
    /// The lines that a backend has to answer: those in a precision that it supports, single operations whether or not
    /// it takes them, chains where some kernel does.
    /// </summary>
    public static TheoryData<string> Lines(string backendName)
    {
        TheoryData<string> lines = [];
        if (BackendsUnderTest.Named(backendName).Refusal is not null)
        {
            lines.Add("none");
            return lines;
        }
        using IBackend backend = BackendsUnderTest.Named(backendName).Create(1);
        foreach (Problem problem in ProblemFiles.Problems)
            if (backend.Supports(KernelCheck.PrecisionOf(problem)).IsSupported
                && (problem.Nodes.Length == 1 || KernelCheck.Accepting(backend, problem).Any()))
                lines.Add(problem.Line);
        return lines;
    }

    internal void CheckAllKernels(string backendName, string line)
    {
        Problem problem = ProblemParser.Parse(line);
        Dictionary<ValueId, double[]> inputs = new OperandFill(problem).Inputs();
        Expectation expected = new Oracle(_reference).Run(problem, inputs);
        foreach (int threads in ThreadsOf(backendName))
        {
            IBackend backend = Backend(backendName, threads);
            Kernel[] kernels = [.. KernelCheck.Accepting(backend, problem)];
            Assert.True(kernels.Length > 0, $"No kernel takes '{line}'. {KernelCheck.Refusals(backend, problem)}");
            foreach (Kernel kernel in kernels)
                KernelCheck.Check(backend, kernel, problem, inputs, expected);
        }
    }

    /// <summary>Every refusal has a reason. Prints the chains that no kernel takes: the scheduler cuts those apart.</summary>
    internal void CheckRefusals(string backendName, ITestOutputHelper output)
    {
        IBackend backend = Backend(backendName, threads: 1);
        foreach (Problem problem in ProblemFiles.Problems)
        {
            foreach (Kernel kernel in backend.Kernels)
                Assert.NotEqual("", kernel.Check(problem).Refusal);
            if (backend.Supports(KernelCheck.PrecisionOf(problem)).IsSupported
                && !KernelCheck.Accepting(backend, problem).Any())
                output.WriteLine($"cut apart: {problem}");
        }
    }

    private IBackend Backend(string name, int threads)
    {
        if (!_backends.TryGetValue((name, threads), out IBackend? backend))
            _backends.Add((name, threads), backend = BackendsUnderTest.Named(name).Create(threads));
        return backend;
    }
}
