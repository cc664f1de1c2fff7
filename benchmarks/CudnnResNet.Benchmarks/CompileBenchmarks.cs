using BenchmarkDotNet.Attributes;
using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Benchmarks;

/// <summary>What compiling costs before anything is measured: the graph, the cut and the memory plan.</summary>
[MemoryDiagnoser]
[ShortRunJob]
public class CompileBenchmarks
{
    private static readonly CompilerOptions Untuned = new() { Tune = false, PlanCacheFolder = null };
    private readonly ReferenceBackend _backend = new(1);
    private LayerGraph _step = null!;
    private CompiledGraph _compiled = null!;

    [Params(18, 50, 200)]
    public int Depth { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _step = StepGraph();
        _compiled = Compiler.Compile(_step, _backend, Untuned);
    }

    [GlobalCleanup]
    public void Cleanup() => _backend.Dispose();

    /// <summary>Forward, backward and updates as a graph.</summary>
    [Benchmark]
    public LayerGraph StepGraph() => TrainingSession.StepGraph(
        new ResNetSpec { Depth = Depth }, 16, 224, 224, Precision.Fp32, new StepOptions(new SgdOptions(0.9, 1e-4)));

    /// <summary>Verifier, scheduler and planner, in catalog order.</summary>
    [Benchmark]
    public CompiledGraph Compile() => Compiler.Compile(_step, _backend, Untuned);

    [Benchmark]
    public MemoryPlan PlanMemory() => MemoryPlanner.Plan(_compiled.Schedule);
}
