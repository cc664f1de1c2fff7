using CudnnResNet.Autodiff;
using CudnnResNet.Cli.Plans;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.OneDnn;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

public class RooflineTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };

    /// <summary>By definition a convolution of P Q K R S C taps takes twice as many operations, and so do its two gradients.</summary>
    [Fact]
    public void Every_kernel_counts_once_by_kind_and_once_by_block()
    {
        StepTrace trace = new(firstStep: 2, stepCount: 3);
        using TrainingSession session = TrainingSession.Create(Spec, 2, 8, 8, Precision.Fp32,
            new StepOptions(new SgdOptions(0.9, 1e-4)), new ReferenceBackend(1), GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        session.Trace = trace;
        for (int i = 0; i < 5; i++)
            using (StepTrace.Step(trace))
                _ = session.Step(new float[session.ImageElements], [0, 2], 0.1);

        MachinePeaks peaks = new(OperationsPerSecond: 1e9, BytesPerSecond: 1e9);
        Roofline roofline = Roofline.Of(trace, peaks);

        foreach (IReadOnlyList<RooflineRow> rows in (IReadOnlyList<RooflineRow>[])[roofline.Kinds, roofline.Blocks])
        {
            Assert.Equal(session.Compiled.Schedule.Segments.Length, rows.Sum(row => row.Kernels));
            Assert.Equal(roofline.Total.Bytes, rows.Sum(row => row.Bytes));
            Assert.Equal(roofline.Total.Operations, rows.Sum(row => row.Operations));
            Assert.Equal(roofline.Total.Ms, rows.Sum(row => row.Ms), 1e-6);
            Assert.Equal(roofline.Total.FloorMs!.Value, rows.Sum(row => row.FloorMs!.Value), 1e-6);
            Assert.All(rows, row => Assert.True(row.Ms > 0, row.Work));
        }
        RooflineRow forward = roofline.Kinds.Single(row => row.Work == "convolution 3x3 forward");
        // Stem and layer1 at 8 x 8, then at 4 x 4, 2 x 2 and 1 x 1 three convolutions a stage with as many channels in as out.
        long layer1 = 64 * 4 * 9 * 4, others = 3 * (16 * 8 * 8 + 4 * 16 * 16 + 32 * 32) * 9L;
        Assert.Equal(2 * 2 * (64 * 4 * 9 * 3 + 4 * layer1 + others), forward.Operations);
        Assert.True(forward.FloorMs >= forward.Operations / 1e6, "a floor is below its operations");
        Assert.Contains("layer1.0 forward", roofline.Blocks.Select(row => row.Work));
        Assert.Contains("layer4.1 backward", roofline.Blocks.Select(row => row.Work));
        Assert.Equal(roofline.Kinds.Single(row => row.Work == "update").Ms, roofline.Blocks.Single(row => row.Work == "update").Ms);

        Assert.Null(Roofline.Of(trace, peaks: null).Total.FloorMs);
    }

    /// <summary>What loss scaling adds to a step is filed as the plan's explanation files it: with the update, however it is grouped.</summary>
    [Fact]
    public void Loss_scaling_belongs_to_the_update()
    {
        StepTrace trace = new(firstStep: 1, stepCount: 1);
        using TrainingSession session = TrainingSession.Create(Spec, 2, 8, 8, Precision.Fp32,
            new StepOptions(new SgdOptions(0.9, 1e-4) { LossScaling = new LossScaling() }), new ReferenceBackend(1), GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        session.Trace = trace;
        using (StepTrace.Step(trace))
            _ = session.Step(new float[session.ImageElements], [0, 2], 0.1);
        int parameters = session.Compiled.Graph.Nodes.Count(node => node.Operation is SgdUpdate);
        Roofline roofline = Roofline.Of(trace, peaks: null);
        // An update and a search for overflow for each parameter, and one adjustment of the scale.
        foreach (IReadOnlyList<RooflineRow> rows in (IReadOnlyList<RooflineRow>[])[roofline.Kinds, roofline.Blocks])
            Assert.Equal(2 * parameters + 1, rows.Single(row => row.Work == "update").Kernels);
    }

    /// <summary>A gradient on its way through an average pool into a batch norm takes its time in the batch norm.</summary>
    [Fact]
    public void Chains_are_named_after_what_takes_their_time()
    {
        Assert.Equal("batch norm backward", Roofline.KindOf(ProblemParser.Parse("avg_pool_bwd n4 c64 h8 w8 f32 +relu_bwd +bn_bwd")));
        Assert.Equal("convolution 1x1 dgrad", Roofline.KindOf(ProblemParser.Parse(
            "conv_bwd_data n1 h4 w4 c16 k16 r1 s1 stride1 pad0 f32 +relu_bwd +bn_bwd")));
    }

    [Fact]
    public void Both_limits_make_the_floor()
    {
        Problem problem = ProblemParser.Parse("conv_fwd n1 h4 w4 c16 k16 r1 s1 stride1 pad0 f32");
        Assert.Equal((2 * 16 * 16 * 16, 4 * (2 * 256 + 256)),
            (ProblemWork.FloatingPointOperations(problem), ProblemWork.Bytes(problem)));
        Assert.Equal(8192 / 1e3, new MachinePeaks(1e3, 1e6).Floor(problem), 1e-9);
        Assert.Equal(3072 / 1e3, new MachinePeaks(1e6, 1e3).Floor(problem), 1e-9);
    }

    [Theory]
    [InlineData("infer")]
    [InlineData("train")]
    public void The_command_prints_it(string mode)
    {
        string[] bench = ["bench", mode, "--model", "resnet18", "--stem", "cifar", "--width", "4", "--image-size", "8", "--batch", "2",
            "--seconds", "0.1", "--warmup", "0", .. CliRun.OnReference];
        string text = CliRun.Success([.. bench, "--roofline"]);
        Assert.Matches(@"(?m)^convolution 3x3 forward +\d+ +\d+\.\d\d ", text);
        Assert.Matches(@"(?m)^layer1\.0 forward +\d+ ", text);
        Assert.Contains("--roofline prints tables", CliRun.Refusal([.. bench, "--roofline", "--json"]), StringComparison.Ordinal);
    }

    /// <summary>What the probe returns are rates of this machine, whatever else runs on it: positive, and not beyond any processor's.</summary>
    [CpuKernelsFact]
    public void The_backend_measures_its_peaks()
    {
        using OneDnnBackend backend = new(threads: 2);
        foreach (Precision precision in (Precision[])[Precision.Fp32, Precision.Bf16])
            if (backend.Supports(precision).IsSupported && backend.MeasurePeaks(precision) is { } peaks)
            {
                Assert.InRange(peaks.OperationsPerSecond, 1e8, 1e13);
                Assert.InRange(peaks.BytesPerSecond, 1e7, 1e12);
            }
    }
}
