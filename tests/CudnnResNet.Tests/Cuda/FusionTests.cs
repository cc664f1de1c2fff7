using CudnnResNet.Autodiff;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;
using Xunit.Abstractions;

namespace CudnnResNet.Tests.Cuda;

/// <summary>
/// Each fusion that the catalog offers for two small networks, alone, against the plan without any. In float32 a fusion
/// keeps the arithmetic and may change the order of a sum. In 16 bits it leaves out the rounding between its parts, up to
/// 2^-9 (bf16) or 2^-12 (fp16) of each value there; as for the golden cases, logits and the first loss may be eight of
/// these away, and where PyTorch's own bf16 errs by more (resnet50-v2, 8e-3), five times that, or an eighth of it in fp16.
/// Rounding moves ReLU masks, which gradients of an untrained network feel, and so does the loss after an update: in
/// float32 they may be as far away as one value's mask takes them, or five times the worst that the unfused plan shows
/// when each image value is moved by one rounding, up or down; 16-bit gradients may not be much further from float32's
/// than those of the unfused plan.
/// </summary>
[Collection("simulated GPU")]
public sealed class FusionTests(ITestOutputHelper output)
{
    private const int Steps = 2;

    /// <summary>A stage's gradient is of 2048 values at least: one of them is 1 / sqrt(2048) of its norm.</summary>
    private const double OneMask = 0.0221;

    private const int Nudges = 4;
    private const double MostOfNudges = 5;

    /// <summary>It leaves out activations, which it can where the filters' gradients do not read them.</summary>
    private const string ConvolutionChain = "cudnn_conv_chain_";
    private const string GradientThatNeedsNoActivation = "BatchNormApply + Relu + ConvolutionBackwardFilter";

    /// <summary>Two sets of roundings of one kind differ by chance.</summary>
    private const double MostLoss = 1.25;

    /// <summary>The last stage keeps 16 values a channel: batch norm of a few would make a sign of every rounding.</summary>
    private const int Batch = 4;
    private const int Side = 16;

    [CudaTheory]
    [InlineData(18, ResNetVersion.V1_5, Precision.Fp32, 1e-5)]
    [InlineData(18, ResNetVersion.V1_5, Precision.Bf16, 1.0 / 64)]
    [InlineData(18, ResNetVersion.V1_5, Precision.Fp16, 1.0 / 512)]
    [InlineData(50, ResNetVersion.V2, Precision.Fp32, 1e-5)]
    [InlineData(50, ResNetVersion.V2, Precision.Bf16, 1.0 / 64)]
    [InlineData(50, ResNetVersion.V2, Precision.Fp16, 5 * 8e-3 / 8)]
    public void EachAloneGivesTheUnfusedNumbers(int depth, ResNetVersion version, Precision precision, double tolerance)
    {
        ResNetSpec spec = new() { Depth = depth, Version = version, Width = 16, Classes = 8, Stem = ResNetStem.Cifar };
        using IBackend device = DeviceUnderTest.Create();
        Outcome all = Run(spec, precision, device);
        Outcome none = Run(spec, precision, new ChainFilter(device, (_, _) => false));
        Assert.Empty(none.Fusions);
        Outcome exact = precision == Precision.Fp32 ? none : Run(spec, Precision.Fp32, new ChainFilter(device, (_, _) => false));
        IBackend unfused = new ChainFilter(device, (_, _) => false);
        Outcome[] nudged = [.. Enumerable.Range(1, Nudges).Select(nudge => Run(spec, precision, unfused, nudge))];
        double apart = precision == Precision.Fp32
            ? Math.Max(OneMask, MostOfNudges * nudged.Max(outcome => Apart(outcome, none)))
            : MostLoss * Apart(none, exact);
        double lossApart = Math.Max(OneMask * Math.Abs(none.Losses[0] - none.Losses[^1]),
            MostOfNudges * nudged.Max(outcome => Math.Abs(outcome.Losses[^1] - none.Losses[^1])));
        Assert.True(all.Offered.Count >= 4, $"only {string.Join(", ", all.Offered)}");
        if (precision == Precision.Fp16)
            Assert.Superset(new HashSet<string>([ConvolutionChain, "cudnn_norm_wgrad_"]), all.Offered.Select(offer => offer.Kernel).ToHashSet());
        Check(all, "all");
        foreach ((string kernel, string chain) in all.Offered.Order())
        {
            Outcome one = Run(spec, precision,
                new ChainFilter(device, (candidate, problem) => (Family(candidate) == kernel && Chain(problem) == chain)
                    || (kernel == ConvolutionChain && Chain(problem) == GradientThatNeedsNoActivation)));
            output.WriteLine($"{chain} by {kernel}: {one.Fusions.Count} segments");
            Assert.True(one.Chosen.Contains((kernel, chain)), $"{chain} by {kernel} is in no plan");
            Check(one, $"{chain} by {kernel}");
        }

        void Check(Outcome fused, string what)
        {
            Near(none.Logits, fused.Logits, tolerance * none.Logits.Max(Math.Abs), $"{what}: logits");
            Near(none.Losses[..1], fused.Losses[..1], tolerance * none.Losses[0], $"{what}: first loss");
            Near(none.Losses[1..], fused.Losses[1..], Math.Max(tolerance * none.Losses.Max(), lossApart), $"{what}: loss after an update");
            Assert.True(Apart(fused, exact) <= apart, $"{what}: gradients are {Apart(fused, exact):e2} away, {apart:e2} is allowed");
        }
    }

    /// <summary>The distance of all gradients together, relative to their norm.</summary>
    private static double Apart(Outcome actual, Outcome exact)
    {
        double apart = 0, norm = 0;
        foreach ((string name, double[] gradient) in exact.Gradients)
        {
            apart += gradient.Zip(actual.Gradients[name], (a, b) => (a - b) * (a - b)).Sum();
            norm += gradient.Sum(value => value * value);
        }
        return Math.Sqrt(apart / norm);
    }

    private static void Near(double[] expected, double[] actual, double allowed, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(actual[i] - expected[i]) <= allowed, $"{what}: {actual[i]:R} instead of {expected[i]:R}");
    }

    /// <param name="nudge">0 for the images as they are; else a seed of the directions in which their values are moved.</param>
    private static Outcome Run(ResNetSpec spec, Precision precision, IBackend backend, int nudge = 0)
    {
        // A scale that no gradient of these networks overflows at, so that no step is skipped.
        LossScaling? scaling = precision == Precision.Fp16 ? new LossScaling(Initial: 256) : null;
        StepOptions step = new(new SgdOptions(0.9, 1e-4) { LossScaling = scaling }, KeepGradients: true);
        using TrainingSession training = TrainingSession.Create(spec, Batch, Side, Side, precision, step, backend, GoldenNetwork.Untuned);
        using InferenceSession inference = InferenceSession.Create(spec, Batch, Side, Side, precision, backend, GoldenNetwork.Untuned);
        NetworkWeights weights = WeightInitialization.Create(training.WeightValues, seed: 7);
        training.LoadWeights(weights);
        inference.LoadWeights(weights);
        double rounding = Math.Pow(2, precision switch { Precision.Fp32 => -23, Precision.Fp16 => -11, _ => -8 });
        Random random = new(nudge);
        double[] images = [.. Enumerable.Range(0, inference.ImageElements)
            .Select(i => Math.Sin(0.37 * i) * (nudge == 0 ? 1 : 1 + ((2 * random.Next(2)) - 1) * rounding))];
        double[] losses = new double[Steps];
        Dictionary<string, double[]> gradients = [];
        for (int i = 0; i < Steps; i++)
        {
            losses[i] = training.Step(images, [1, 6, 0, 3], 0.01);
            if (i == 0)
                gradients = training.ReadGradients().ToDictionary(tensor => tensor.Name, tensor => tensor.ToDoubles());
        }
        Assert.Equal(0, training.ReadSkippedSteps() ?? 0);
        double[] logits = new double[inference.LogitElements];
        inference.WriteImages(images);
        inference.Run();
        inference.ReadLogits(logits);
        CompiledGraph[] plans = [training.Compiled, inference.Compiled];
        return new Outcome(losses, logits, gradients,
            [.. plans.SelectMany(plan => plan.Schedule.Segments).Where(segment => segment.Problem.Nodes.Length > 1).Select(segment => segment.Problem.Line)],
            [.. plans.SelectMany(plan => plan.Schedule.Segments).Where(segment => segment.Problem.Nodes.Length > 1)
                .SelectMany(segment => segment.Candidates.Select(candidate => (Family(candidate.Kernel), Chain(segment.Problem))))],
            [.. plans.SelectMany(plan => plan.Schedule.Segments).Where(segment => segment.Problem.Nodes.Length > 1)
                .Select(segment => (Family(segment.Kernel), Chain(segment.Problem)))]);
    }

    /// <summary>Ranks of one library's engines are one way to fuse: the conformance lines walk each of them.</summary>
    private static string Family(Kernel kernel) => kernel.Name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');

    private static string Chain(Problem problem) => string.Join(" + ", problem.Operations.Select(operation => operation.GetType().Name));

    /// <summary>What came out, the chains of the plans, what was offered for these, and what was chosen.</summary>
    private sealed record Outcome(double[] Losses, double[] Logits, Dictionary<string, double[]> Gradients,
        List<string> Fusions, HashSet<(string Kernel, string Chain)> Offered, HashSet<(string Kernel, string Chain)> Chosen);
}
