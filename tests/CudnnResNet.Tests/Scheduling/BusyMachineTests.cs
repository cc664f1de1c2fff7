using System.Collections.Immutable;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Scheduling;

/// <summary>What is timed while other processes hold the processors decides as little as it can, and is not kept.</summary>
public sealed class BusyMachineTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };

    private static readonly Problem Problem = ProblemParser.Parse("conv_fwd n1 h4 w4 c4 k4 r1 s1 stride1 pad0 f32");

    /// <summary>The faster kernel was interrupted three times, which agree: without looking, the other would be taken.</summary>
    [Fact]
    public void InterruptedRunsDoNotCount()
    {
        (Selection selection, PlanCache cache) = Select(name => name[0] == 'a'
            ? [new(90, true), new(91, true), new(90.5, true), new(40, false), new(40.5, false)]
            : [new(60, false)]);
        Assert.Equal(('a', 40.0), (selection.Kernel!.Name[0], selection.Cost));
        Assert.Equal(40.0, cache.Find(selection.Kernel.Name, Problem.Line));
    }

    [Fact]
    public void TimesThatWereAllInterruptedAreKnownToThisProcessAlone()
    {
        using TemporaryFolder folder = new();
        (Selection selection, PlanCache cache) = Select(name => name[0] == 'a' ? [new(90, true), new(80, true)] : [new(60, false)], folder.Path);
        Assert.Equal(('b', 60.0), (selection.Kernel!.Name[0], selection.Cost));
        Assert.All(selection.Candidates, candidate => Assert.NotNull(cache.Find(candidate.Kernel.Name, Problem.Line)));
        cache.Save();
        PlanCache later = PlanCache.Open(folder.Path, "identity");
        // Times of a problem compare with each other: none is kept without the others.
        Assert.All(selection.Candidates, candidate => Assert.Null(later.Find(candidate.Kernel.Name, Problem.Line)));
    }

    [Fact]
    public void APlanOfDisturbedTimesIsMadeAnew()
    {
        using TemporaryFolder folder = new();
        CompiledGraph first = Compile(isBusy: true), second = Compile(isBusy: false), third = Compile(isBusy: false);
        Assert.True(first.Measurements > 0);
        Assert.Equal(first.Measurements, first.DisturbedMeasurements);
        Assert.Equal((first.Measurements, 0), (second.Measurements, second.DisturbedMeasurements));
        Assert.Equal((0, 0), (third.Measurements, third.DisturbedMeasurements));
        Assert.Equal(PlanText.Fingerprint(second.Schedule), PlanText.Fingerprint(third.Schedule));

        CompiledGraph Compile(bool isBusy)
        {
            using InterruptedBackend backend = new(new ReferenceBackend(2), _ => [new(10, isBusy)]);
            return InferenceSession.Compile(Spec, 1, 8, 8, Precision.Fp32, backend,
                new CompilerOptions { PlanCacheFolder = folder.Path, KeepsPlans = true });
        }
    }

    private static (Selection, PlanCache) Select(Func<string, ImmutableArray<TimedRun>> timesOf, string? folder = null)
    {
        using InterruptedBackend backend = new(new ReferenceBackend(2), timesOf);
        PlanCache cache = PlanCache.Open(folder, "identity");
        using ArenaPool pool = new(backend);
        return (new KernelSelector(backend, cache, pool).Select(Problem), cache);
    }
}
