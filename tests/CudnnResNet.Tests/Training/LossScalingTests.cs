using CudnnResNet.Autodiff;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Training;

/// <summary>Loss scaling changes no number by itself, skips steps that overflow, and finds a scale that does not.</summary>
public class LossScalingTests
{
    private const int Batch = 4;
    private const int Size = 8;

    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };

    private static readonly SgdOptions Plain = new(0.9, 1e-3) { AverageDecay = 0.9 };

    public static TheoryData<SgdOptions, int> Rules => new()
    {
        { Plain, 1 },
        { Plain with { Nesterov = true, ClipNorm = 0.5 }, 1 },
        { Plain with { TrustCoefficient = 0.05 }, 1 },
        { Plain with { TrustCoefficient = 0.05, ClipNorm = 0.5 }, 2 },
    };

    /// <summary>Scales are powers of two, which round nothing away in double: the weights are equal in every bit.</summary>
    [Theory]
    [MemberData(nameof(Rules))]
    public void ScalesLeaveNoTrace(SgdOptions rule, int passes)
    {
        using TrainingSession plain = Create(rule, Precision.Fp64, passes);
        using TrainingSession scaled = Create(rule with { LossScaling = new LossScaling(Interval: 2) }, Precision.Fp64, passes);
        for (int step = 0; step < 5; step++)
            Assert.Equal(Step(plain, step), Step(scaled, step));
        AssertSame(Tensors(plain), Tensors(scaled));
        Assert.Equal(4 * 65536, scaled.ReadLossScale());
        Assert.Equal(0, scaled.ReadSkippedSteps());
        Assert.Null(plain.ReadLossScale());
    }

    /// <summary>
    /// At 2^127 gradients overflow float32. Until they do not, neither weights nor their average nor the momentum move;
    /// then training goes on as without scaling.
    /// </summary>
    [Fact]
    public void StepsThatOverflowChangeNothing()
    {
        double initial = Math.ScaleB(1, 127), backoff = Math.ScaleB(1, -20);
        using TrainingSession session = Create(
            Plain with { LossScaling = new LossScaling(initial, Backoff: backoff, Interval: 2000) }, Precision.Fp32, passes: 1);
        Dictionary<string, byte[]> before = Tensors(session);
        int skipped = 0;
        while (true)
        {
            Assert.True(double.IsFinite(Step(session, skipped)));
            if (session.ReadSkippedSteps() == skipped)
                break;
            skipped++;
            Assert.Equal(initial * Math.Pow(backoff, skipped), session.ReadLossScale());
            AssertSame(before, Tensors(session));
        }
        Assert.InRange(skipped, 1, 5);
        Assert.NotEqual(before["conv1.weight"], Tensors(session)["conv1.weight"]);
    }

    /// <summary>A session that loads what another saved goes on with its scale and its count of good steps.</summary>
    [Fact]
    public void TheScaleIsSavedWithTheOptimizer()
    {
        SgdOptions rule = Plain with { LossScaling = new LossScaling(Interval: 3) };
        using TrainingSession first = Create(rule, Precision.Fp64, passes: 1);
        for (int step = 0; step < 4; step++)
            Step(first, step);
        using TrainingSession second = Create(rule, Precision.Fp64, passes: 1);
        NetworkWeights saved = new(first.SaveWeights().Tensors.Values.Concat(first.SaveOptimizer())
            .ToDictionary(tensor => tensor.Name), "the first session");
        second.LoadWeights(saved);
        second.LoadOptimizer(saved);
        for (int step = 4; step < 7; step++)
            Assert.Equal(Step(first, step), Step(second, step));
        Assert.Equal(4 * 65536, second.ReadLossScale());
        AssertSame(Tensors(first), Tensors(second));
    }

    /// <summary>Kept gradients are handed out without the scale.</summary>
    [Fact]
    public void GradientsAreReadUnscaled()
    {
        using TrainingSession plain = Create(Plain, Precision.Fp64, passes: 1, keepGradients: true);
        using TrainingSession scaled = Create(
            Plain with { LossScaling = new LossScaling(Interval: 1) }, Precision.Fp64, passes: 1, keepGradients: true);
        Step(plain, 0);
        Step(scaled, 0);
        foreach ((NamedTensor expected, NamedTensor actual) in plain.ReadGradients().Zip(scaled.ReadGradients()))
            Assert.Equal(expected.ToDoubles(), actual.ToDoubles());
    }

    private static TrainingSession Create(SgdOptions rule, Precision precision, int passes, bool keepGradients = false)
    {
        TrainingSession session = TrainingSession.Create(Spec, Batch, Size, Size, precision,
            new StepOptions(rule, KeepGradients: keepGradients, Passes: passes), TestBackends.Create("reference"), GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 1, zeroInitLastBatchNorm: false));
        return session;
    }

    private static double Step(TrainingSession session, int seed)
    {
        Random random = new(seed);
        float[] images = [.. Enumerable.Range(0, session.ImageElements).Select(_ => 2 * random.NextSingle() - 1)];
        return session.Step(images, [.. Enumerable.Range(0, session.Batch).Select(i => i % 3)], 0.05);
    }

    /// <summary>Parameters, momentum, averages; running statistics move in the forward pass, as in PyTorch.</summary>
    private static Dictionary<string, byte[]> Tensors(TrainingSession session) => session.SaveWeights().Tensors.Values
        .Concat(session.SaveOptimizer())
        .Where(tensor => !tensor.Name.Contains(LossScaling.Scale, StringComparison.Ordinal)
            && !tensor.Name.Contains("running", StringComparison.Ordinal))
        .ToDictionary(tensor => tensor.Name, tensor => tensor.Data.ToArray());

    private static void AssertSame(Dictionary<string, byte[]> expected, Dictionary<string, byte[]> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach ((string name, byte[] bytes) in expected)
            Assert.True(bytes.AsSpan().SequenceEqual(actual[name]), name);
    }
}
