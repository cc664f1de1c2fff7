using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.OneDnn;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Conformance;
using CudnnResNet.Tests.Golden;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>What whole bottlenecks in one kernel promise beside the right numbers, which the conformance tests see to.</summary>
public sealed class BottleneckTests
{
    [Avx512Bf16Fact]
    public void DoesNotDependOnThreads() => RequireSameBits(threads => new OneDnnBackend(threads), "bottleneck_fwd");

    [AmxFact]
    public void DoesNotDependOnThreadsWithAmx() => RequireSameBits(AmxUnderTest.Create, "bottleneck_fwd_amx");

    /// <summary>Preferred, it takes all sixteen blocks: one kernel each, and one for the projection of the four that have one.</summary>
    [Avx512Bf16Fact]
    public void TakesEveryBlock()
    {
        GoldenCase golden = GoldenCase.Load("resnet50-v1.5-imagenet");
        using PreferringBackend backend = new(new OneDnnBackend(2), name => name == "bottleneck_fwd");
        using InferenceSession session = InferenceSession.Create(GoldenNetwork.Spec(golden), golden.Batch,
            golden.ImageSize, golden.ImageSize, Precision.Bf16, backend, GoldenNetwork.Untuned);
        string[] kernels = [.. session.Compiled.Schedule.Segments
            .Where(segment => segment.Problem.Operations[0] is ConvolutionForward)
            .Select(segment => segment.Kernel.Name)];
        Assert.Equal(16, kernels.Count(name => name == "bottleneck_fwd"));
        Assert.Equal(16 + 4 + 1, kernels.Length);
    }

    private static void RequireSameBits(Func<int, OneDnnBackend> create, string name)
    {
        using OneDnnBackend any = create(1);
        Kernel catalogued = any.Kernels.Single(kernel => kernel.Name == name);
        Problem[] problems = [.. ProblemFiles.Problems.Where(problem => catalogued.Check(problem).IsSupported)];
        Assert.True(problems.Length >= 10);
        foreach (Problem problem in problems)
        {
            Dictionary<ValueId, double[]> inputs = new OperandFill(problem).Inputs();
            byte[]? first = null;
            for (int threads = 1; threads <= 5; threads++)
            {
                using OneDnnBackend backend = create(threads);
                Kernel kernel = backend.Kernels.Single(kernel => kernel.Name == name);
                ArenaImage image = new(problem, kernel);
                foreach ((ValueId id, double[] values) in inputs)
                    image.Set(id, values);
                using Arena arena = backend.Allocate(image.Bytes);
                image.Run(kernel, backend, arena);
                Assert.Null(image.Trespass());
                byte[] y = image.GetBytes(problem.Outputs[0]).ToArray();
                first ??= y;
                Assert.True(first.AsSpan().SequenceEqual(y), $"{threads} threads give other bits on '{problem}'.");
            }
        }
    }

    private sealed class Avx512Bf16FactAttribute : FactAttribute
    {
        public Avx512Bf16FactAttribute() => Skip = OneDnnBackend.Probe().Refusal ?? CpuKernelsProbe.Run().Refusal
            ?? (CpuKernelsProbe.Run().InstructionSets.Contains("avx512_bf16") ? null : "This processor has no AVX-512 with bf16.");
    }
}
