using CudnnResNet.Cli.Plans;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Training;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Compilation;

/// <summary>Kernels that accept a problem and refuse to run it: the next one does it, and no step has noticed.</summary>
public sealed class KernelTrialTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };

    /// <summary>
    /// Two in a row refuse what changes a run's state in place (running statistics, weights with their momentum) and what does not.
    /// The run is that of a backend that never had them, to the bit.
    /// </summary>
    [Fact]
    public void TheNextKernelDoesWhatTwoRefuse()
    {
        TrainingOptions options = SmallTraining.Options(null);
        using ReferenceBackend plain = new(2);
        RunTrace expected = SmallTraining.Run(options, plain, GoldenNetwork.Untuned, stopAfter: 6);
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 3, (kernel, problem) => kernel[0] != 'c'
            && problem.Operations[0] is BatchNormTraining or ConvolutionForward or SgdUpdate or SoftmaxCrossEntropy);
        RunTrace actual = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 6);
        SmallTraining.AssertSame(expected, actual);
        // Each problem was refused once by each of the two, for the step as for the evaluation, and never again.
        Assert.Equal(backend.Refused.Count, backend.Refused.Distinct().Count());
        Assert.Equal(backend.Refused.Count(refused => refused.Kernel[0] == 'a'), backend.Refused.Count(refused => refused.Kernel[0] == 'b'));
        Assert.All((string[])["bn_train", "conv_fwd", "sgd"], name => Assert.Contains(backend.Refused, refused => refused.Line.StartsWith(name, StringComparison.Ordinal)));
    }

    [Fact]
    public void ThePlanSaysWhoRefusedAndWhy()
    {
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 2, (kernel, problem) => kernel[0] == 'a' && problem.Operations[0] is ConvolutionForward);
        CompiledGraph compiled = InferenceSession.Compile(Spec, 2, 8, 8, Precision.Fp32, backend, GoldenNetwork.Untuned);
        Segment convolution = compiled.Schedule.Segments.First(segment => segment.Problem.Operations[0] is ConvolutionForward);
        Assert.StartsWith("b_", convolution.Kernel.Name, StringComparison.Ordinal);
        Assert.All(compiled.Schedule.Segments, segment => Assert.Equal(segment.Problem.Operations[0] is ConvolutionForward ? 'b' : 'a', segment.Kernel.Name[0]));
        RefusalReport refusal = Assert.Single(new PlanExplanation(compiled, backend, isMeasured: false).Refusals(),
            refusal => refusal.Reason.StartsWith("refused to run", StringComparison.Ordinal));
        Assert.Equal((backend.Refused[0].Kernel, $"refused to run: the library's {backend.Refused[0].Kernel} does not run this"), (refusal.Kernel, refusal.Reason));
        Assert.Equal(backend.Refused.Count, refusal.Problems);
    }

    [Fact]
    public void TheLastOneThatRefusesIsOneError()
    {
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 2, (_, problem) => problem.Operations[0] is Linear);
        ResNetException error = Assert.Throws<ResNetException>(() =>
            InferenceSession.Create(Spec, 2, 8, 8, Precision.Fp32, backend, GoldenNetwork.Untuned));
        Assert.StartsWith("No kernel takes Linear { InFeatures = 32,", error.Message, StringComparison.Ordinal);
        string name = backend.Refused[0].Kernel[2..];
        Assert.EndsWith($"): a_{name} refused to run: the library's a_{name} does not run this; b_{name} refused to run: the library's b_{name} does not run this.",
            error.Message, StringComparison.Ordinal);
    }

    /// <summary>A plan that was kept asks for a kernel that refuses today: the next start finds another plan in its place.</summary>
    [Fact]
    public void AKeptPlanIsReplaced()
    {
        using TemporaryFolder folder = new();
        CompilerOptions options = new() { PlanCacheFolder = folder.Path, KeepsPlans = true };
        (CompiledGraph first, _) = Start((_, _) => false);
        Segment chosen = first.Schedule.Segments.First(segment => segment.Problem.Operations[0] is ConvolutionForward);
        (string kernel, string line) = (chosen.Kernel.Name, chosen.Problem.Line);

        (CompiledGraph again, int none) = Start((_, _) => false);
        Assert.Equal((PlanText.Fingerprint(first.Schedule), 0, 0), (PlanText.Fingerprint(again.Schedule), again.Measurements, none));
        (CompiledGraph second, int refused) = Start((name, problem) => name == kernel && problem.Line == line);
        Assert.Equal(1, refused);
        Assert.DoesNotContain(second.Schedule.Segments, segment => segment.Kernel.Name == kernel && segment.Problem.Line == line);
        (CompiledGraph third, int refusedAgain) = Start((name, problem) => name == kernel && problem.Line == line);
        Assert.Equal((PlanText.Fingerprint(second.Schedule), 0, 0), (PlanText.Fingerprint(third.Schedule), third.Measurements, refusedAgain));
        // Nor do the measured times bring it back where no plan is kept.
        options = options with { KeepsPlans = false };
        (CompiledGraph fourth, int byTimes) = Start((name, problem) => name == kernel && problem.Line == line);
        Assert.DoesNotContain(fourth.Schedule.Segments, segment => segment.Kernel.Name == kernel && segment.Problem.Line == line);
        Assert.Equal(0, byTimes);

        (CompiledGraph Plan, int Refused) Start(Func<string, Problem, bool> refuses)
        {
            using RefusingBackend backend = new(new ReferenceBackend(2), copies: 3, refuses);
            CompiledGraph plan = InferenceSession.Compile(Spec, 1, 8, 8, Precision.Fp32, backend, options);
            return (plan, backend.Refused.Count);
        }
    }

    /// <summary>The least workspace is that of a kernel that refuses, found while it is measured or known from an earlier process.</summary>
    [Fact]
    public void WhoSparesMemoryAsksTheNextKernelToo()
    {
        Problem problem = ProblemParser.Parse("conv_fwd n2 h8 w8 c4 k4 r3 s3 stride1 pad1 f32");
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 3, (kernel, _) => kernel[0] == 'a');
        PlanCache cache = PlanCache.Open(null, backend.Identity);
        Assert.Equal('b', Select(backend).Kernel!.Name[0]);
        Assert.NotEmpty(backend.Refused);

        using RefusingBackend later = new(new ReferenceBackend(2), copies: 3, (kernel, _) => kernel[0] == 'a');
        Selection again = Select(later);
        Assert.Equal('b', again.Kernel!.Name[0]);
        Assert.All(again.Candidates, candidate => Assert.True(double.IsFinite(candidate.Microseconds!.Value)));
        Assert.Empty(later.Refused);
        Refusal refusal = Assert.Single(new KernelSelector(later, cache, pool: null).Refusals(problem), refusal => refusal.IsAtRun);
        Assert.Equal("refused to run: it did in an earlier run", refusal.Reason);

        Selection Select(RefusingBackend from)
        {
            using ArenaPool pool = new(from);
            return new KernelSelector(from, cache, pool, sparesMemory: true).Select(problem);
        }
    }

    /// <summary>A run that is resumed with a plan whose kernel refuses today has another plan, and says so.</summary>
    [Fact]
    public void AResumedRunSaysThatItsPlanIsAnother()
    {
        using TemporaryFolder folder = new();
        TrainingOptions options = SmallTraining.Options(folder.Path);
        bool refuses = false;
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 2, (kernel, problem) => refuses && kernel[0] == 'a' && problem.Operations[0] is BatchNormTraining);
        _ = SmallTraining.Run(options, backend, GoldenNetwork.Untuned, stopAfter: 3);
        // Another process: what ran before is not known.
        refuses = true;
        using RefusingBackend later = new(new ReferenceBackend(2), copies: 2, (kernel, problem) => refuses && kernel[0] == 'a' && problem.Operations[0] is BatchNormTraining);
        Resumption resumption = new(Checkpoint.Load(folder.File("last.safetensors")));
        ResNetException error = Assert.Throws<ResNetException>(() => SmallTraining.Run(options with { OutputFolder = null }, later, GoldenNetwork.Untuned, resumption));
        Assert.Contains("plan was", error.Message, StringComparison.Ordinal);
        RunTrace resumed = SmallTraining.Run(options with { OutputFolder = null }, later, GoldenNetwork.Untuned, resumption with { Anyway = true });
        Assert.Equal(7, resumed.Steps.Count);
    }

    /// <summary>A plan that is made for its memory alone runs nothing.</summary>
    [Fact]
    public void WhereOnlyMemoryIsAskedNothingIsTried()
    {
        using RefusingBackend backend = new(new ReferenceBackend(2), copies: 2, (kernel, _) => kernel[0] == 'a');
        CompiledGraph plan = InferenceSession.Compile(Spec, 1, 8, 8, Precision.Fp32, backend, GoldenNetwork.Untuned with { TriesKernels = false });
        Assert.Empty(backend.Refused);
        Assert.All(plan.Schedule.Segments, segment => Assert.StartsWith("a_", segment.Kernel.Name, StringComparison.Ordinal));
    }
}
