using CudnnResNet.Kernels;
using CudnnResNet.Reference;
using Xunit.Abstractions;

namespace CudnnResNet.Tests.Conformance;

/// <summary>One backend and the oracle, shared by all lines of a test class.</summary>
public sealed class ConformanceFixture : IDisposable
{
    private const int Threads = 2;

    private readonly ReferenceBackend _reference = new(Threads);
    private readonly Dictionary<string, IBackend> _backends = [];

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
        using IBackend backend = BackendsUnderTest.Named(backendName).Create(Threads);
        foreach (Problem problem in ProblemFiles.Problems)
            if (backend.Supports(Conformance.PrecisionOf(problem)).IsSupported
                && (problem.Nodes.Length == 1 || Conformance.Accepting(backend, problem).Any()))
                lines.Add(problem.Line);
        return lines;
    }

    internal void CheckAllKernels(string backendName, string line)
    {
        IBackend backend = Backend(backendName);
        Problem problem = ProblemParser.Parse(line);
        Kernel[] kernels = [.. Conformance.Accepting(backend, problem)];
        Assert.True(kernels.Length > 0, $"No kernel takes '{line}'. {Conformance.Refusals(backend, problem)}");
        Oracle oracle = new(_reference);
        foreach (Kernel kernel in kernels)
            Conformance.Check(backend, kernel, problem, oracle);
    }

    /// <summary>Every refusal has a reason. Prints the chains that no kernel takes: the scheduler cuts those apart.</summary>
    internal void CheckRefusals(string backendName, ITestOutputHelper output)
    {
        IBackend backend = Backend(backendName);
        foreach (Problem problem in ProblemFiles.Problems)
        {
            foreach (Kernel kernel in backend.Kernels)
                Assert.NotEqual("", kernel.Check(problem).Refusal);
            if (backend.Supports(Conformance.PrecisionOf(problem)).IsSupported
                && !Conformance.Accepting(backend, problem).Any())
                output.WriteLine($"cut apart: {problem}");
        }
    }

    private IBackend Backend(string name)
    {
        if (!_backends.TryGetValue(name, out IBackend? backend))
            _backends.Add(name, backend = BackendsUnderTest.Named(name).Create(Threads));
        return backend;
    }
}
