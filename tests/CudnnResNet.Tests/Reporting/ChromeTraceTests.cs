using System.Text.Json;
using CudnnResNet.Autodiff;
using CudnnResNet.Execution;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Reporting;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Cli;
using CudnnResNet.Tests.Execution;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Imaging;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Reporting;

/// <summary>Traces are read back as JSON, in the way of the Trace Event Format, and held against the plan.</summary>
public class ChromeTraceTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 4, Classes = 3, Stem = ResNetStem.Cifar };

    [Fact]
    public void Every_kernel_of_the_plan_appears_once_a_step_in_plan_order()
    {
        using TemporaryFolder folder = new();
        using TrainingSession session = Session(out float[] images, out int[] labels);
        StepTrace trace = new(firstStep: 2, stepCount: 3);
        session.Trace = trace;
        for (int i = 0; i < 6; i++)
        {
            using StepTrace.StepScope step = StepTrace.Step(session.Trace);
            session.Step(images, labels, 0.1);
        }

        Assert.True(trace.IsComplete);
        ChromeTrace.Write(folder.File("trace.json"), trace, "a test");
        List<Slice> slices = Read(folder.File("trace.json"));
        var segments = session.Compiled.Schedule.Segments;
        Assert.Equal([2L, 3L, 4L], slices.Where(slice => slice.Name.StartsWith("step ", StringComparison.Ordinal)).Select(slice => slice.Step));
        foreach (long step in (long[])[2, 3, 4])
        {
            Slice[] kernels = [.. slices.Where(slice => slice.Category == "kernel" && slice.Step == step).OrderBy(slice => slice.Begin)];
            Assert.Equal(segments.Select(segment => segment.Problem.Line), kernels.Select(kernel => kernel.Name));
            Assert.Equal(segments.Select(segment => segment.Kernel.Name), kernels.Select(kernel => kernel.Args.GetProperty("kernel").GetString()));
            Slice whole = slices.Single(slice => slice.Name == $"step {step}");
            Assert.All(kernels, kernel => Assert.True(kernel.Begin >= whole.Begin && kernel.End <= whole.End));
            Assert.Single(slices, slice => slice.Name == "copy in" && slice.Step == step);
        }

        AssertNested(slices);
    }

    /// <summary>A 3x3 convolution of 8 x 8 x 4 to 4 channels, batch 2: counted by hand.</summary>
    [Fact]
    public void Bytes_and_operations_are_those_of_the_problem()
    {
        using TemporaryFolder folder = new();
        using TrainingSession session = Session(out float[] images, out int[] labels);
        session.Trace = new StepTrace(1, 1);
        using (StepTrace.Step(session.Trace))
            session.Step(images, labels, 0.1);
        ChromeTrace.Write(folder.File("trace.json"), session.Trace, "a test");
        Slice convolution = Read(folder.File("trace.json")).First(slice => slice.Name.StartsWith("conv_fwd n2 h8 w8 c4 k4 r3 s3", StringComparison.Ordinal));
        Assert.Equal(2L * 2 * 8 * 8 * 4 * 4 * 3 * 3, convolution.Args.GetProperty("flops").GetInt64());
        Assert.Equal(sizeof(float) * ((2 * 8 * 8 * 4) + (4 * 3 * 3 * 4) + (2 * 8 * 8 * 4)), convolution.Args.GetProperty("bytes").GetInt64());
    }

    /// <summary>A ring that is too small keeps the newest slices and says how many it lost.</summary>
    [Fact]
    public void Recording_allocates_nothing_and_the_ring_keeps_the_newest()
    {
        using TrainingSession session = Session(out float[] images, out int[] labels);
        // More steps than a ring has room for.
        StepTrace trace = new(1, long.MaxValue / 2);
        session.Trace = trace;
        Assert.Equal(0, SteadyState.AllocatedBytes(() =>
        {
            using StepTrace.StepScope step = StepTrace.Step(trace);
            session.Step(images, labels, 0.01);
        }));
        using (StepTrace.Step(trace))
            while (trace.Lost < 10)
                using (StepTrace.Slice(trace, TraceKind.Save))
                {
                }

        Assert.Equal(1 << 20, trace.Slices().Length);
        Assert.Equal(TraceKind.Step, trace.Slices()[^1].Kind);
        Assert.Equal(11, trace.Lost);
    }

    /// <summary>Steps 5 to 7 of a run whose epochs have 3: the loader's thread has its own track, and step 6 evaluates and saves.</summary>
    [Fact]
    public void Train_traces_the_steps_asked_for()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 18, classes: 3);
        _ = CliRun.Success(["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6",
            "--steps", "9", "--out", folder.File("out"), "--profile", folder.File("trace.json"), "--profile-steps", "5:3", .. CliRun.OnReference]);
        List<Slice> slices = Read(folder.File("trace.json"));
        Assert.Equal(["step 5", "step 6", "step 7"], slices.Where(slice => slice.Name.StartsWith("step ", StringComparison.Ordinal)).Select(slice => slice.Name));
        Assert.Equal(3, slices.Count(slice => slice.Name == "load batch"));
        Assert.Equal(3, slices.Count(slice => slice.Name == "copy in"));
        Assert.Equal(6, Assert.Single(slices, slice => slice.Name == "evaluate").Step);
        Assert.All(slices.Where(slice => slice.Name == "save"), save => Assert.Equal(6, save.Step));
        Assert.InRange(slices.Count(slice => slice.Name == "save"), 1, 2);
        long main = slices.First(slice => slice.Category == "kernel").Thread;
        Dictionary<long, string> names = ThreadNames(folder.File("trace.json"));
        Slice[] made = [.. slices.Where(slice => slice.Name == "make batch")];
        Assert.NotEmpty(made);
        Assert.All(made, slice => Assert.Equal("batch loader", names[slice.Thread]));
        Assert.Equal("steps", names[main]);
        int kernels = slices.Count(slice => slice.Category == "kernel");
        Assert.True(kernels > 0 && kernels % 3 == 0, $"{kernels} kernels in three steps");
        AssertNested(slices);
    }

    /// <summary>Images that are decoded are made by several threads, each with a track of its own; kernels are slices of the thread that steps.</summary>
    [ImagingFact]
    public void Every_thread_that_makes_batches_has_a_track()
    {
        using TemporaryFolder folder = new();
        Random random = new(1);
        foreach (string kind in (string[])["a", "b"])
        {
            Directory.CreateDirectory(folder.File($"set/{kind}"));
            byte[] rgb = new byte[200 * 200 * 3];
            random.NextBytes(rgb);
            for (int i = 0; i < 16; i++)
                File.WriteAllBytes(folder.File($"set/{kind}/{i}.png"), PngWriter.Encode(rgb, 200, 200, 3));
        }
        _ = CliRun.Success(["train", "--data", $"folder:{folder.File("set")}", "--test-data", "none", "--model", "resnet20", "--width", "2",
            "--batch", "16", "--crop", "16", "--normalize", "imagenet", "--steps", "10", "--no-report", "--out", folder.File("out"),
            "--profile", folder.File("trace.json"), "--profile-steps", "1:10", .. CliRun.OnReference]);
        List<Slice> slices = Read(folder.File("trace.json"));
        Dictionary<long, string> names = ThreadNames(folder.File("trace.json"));
        // Where there are many, some may find nothing left to do.
        Assert.InRange(slices.Where(slice => slice.Name == "make batch").Select(slice => slice.Thread).Distinct().Count(),
            Math.Min(Environment.ProcessorCount, 2), Math.Min(Environment.ProcessorCount, 16));
        Assert.All(slices, slice => Assert.StartsWith(slice.Name == "make batch" ? "batch loader" : "steps", names[slice.Thread], StringComparison.Ordinal));
        Assert.Equal(names.Count, names.Values.Distinct().Count());
        AssertNested(slices);
    }

    [Fact]
    public void A_resumed_run_traces_its_own_steps()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 18, classes: 3);
        string[] train = ["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--schedule", "constant", "--no-report",
            "--profile", folder.File("trace.json"), .. CliRun.OnReference];
        _ = CliRun.Success([.. train, "--profile-steps", "2:1", "--steps", "3", "--out", folder.File("out")]);
        Assert.Equal(["step 2"], Steps());
        // A resumed run is warm after as many steps as a new one.
        _ = CliRun.Success([.. train, "--steps", "10", "--resume", folder.File("out")]);
        Assert.Equal(["step 7", "step 8", "step 9"], Steps());
        Assert.Contains("--profile-steps is 10:2, and the run continues behind step 10; give later steps",
            CliRun.Refusal([.. train, "--profile-steps", "10:2", "--steps", "13", "--resume", folder.File("out")]), StringComparison.Ordinal);
        _ = CliRun.Success([.. train, "--profile-steps", "12:2", "--steps", "13", "--resume", folder.File("out")]);
        Assert.Equal(["step 12", "step 13"], Steps());

        IEnumerable<string> Steps() => Read(folder.File("trace.json")).Select(slice => slice.Name).Where(name => name.StartsWith("step ", StringComparison.Ordinal));
    }

    [Fact]
    public void Eval_predict_and_bench_trace_batches()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 12, classes: 3);
        _ = CliRun.Success(["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--steps", "1", "--no-report",
            "--out", folder.File("out"), .. CliRun.OnReference]);
        Assert.False(File.Exists(folder.File("out/report.html")));
        string weights = folder.File("out/last.safetensors");
        _ = CliRun.Success(["eval", "--weights", weights, "--data", $"npy:{folder.Path}", "--batch", "4",
            "--profile", folder.File("eval.json"), "--profile-steps", "2:2", .. CliRun.OnReference]);
        _ = CliRun.Success(["predict", "--weights", weights, "--tensor", folder.File("images.npy"), "--out", folder.File("logits.npy"), "--batch", "4",
            "--profile", folder.File("predict.json"), "--profile-steps", "2:2", .. CliRun.OnReference]);
        _ = CliRun.Success(["bench", "infer", .. SmallData.Network, "--stem", "cifar", "--image-size", "8", "--seconds", "0", "--warmup", "0",
            "--profile", folder.File("bench.json"), "--profile-steps", "2:2", .. CliRun.OnReference]);
        foreach (string name in (string[])["eval", "predict", "bench"])
        {
            List<Slice> slices = Read(folder.File($"{name}.json"));
            Assert.Equal(["step 2", "step 3"], slices.Where(slice => slice.Name.StartsWith("step ", StringComparison.Ordinal)).Select(slice => slice.Name));
            Assert.Equal(slices.Where(slice => slice.Category == "kernel" && slice.Step == 2).Select(slice => slice.Name),
                slices.Where(slice => slice.Category == "kernel" && slice.Step == 3).Select(slice => slice.Name));
            Assert.Contains(slices, slice => slice.Category == "kernel" && slice.Name.StartsWith("conv_fwd", StringComparison.Ordinal));
            AssertNested(slices);
        }
    }

    [Fact]
    public void A_window_without_steps_or_without_sense_is_said()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        string[] train = ["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--steps", "1", .. CliRun.OnReference];
        CliRun run = CliRun.Of([.. train, "--out", folder.File("out"), "--profile", folder.File("trace.json")]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("the run ended before step 4", run.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("trace.json")));
        Assert.Contains("--profile-steps is '0:2'", CliRun.Refusal([.. train, "--profile-steps", "0:2"]), StringComparison.Ordinal);
        Assert.Contains("give --profile", CliRun.Refusal([.. train, "--profile-steps", "1:2"]), StringComparison.Ordinal);
    }

    private static TrainingSession Session(out float[] images, out int[] labels)
    {
        TrainingSession session = TrainingSession.Create(Spec, 2, 8, 8, Precision.Fp32,
            new StepOptions(new SgdOptions(0.9, 1e-4)), new ReferenceBackend(1), GoldenNetwork.Untuned);
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, 1));
        (images, labels) = (new float[session.ImageElements], [0, 2]);
        return session;
    }

    private sealed record Slice(string Name, string Category, long Thread, decimal Begin, decimal End, long Step, JsonElement Args);

    private static List<Slice> Read(string path) => [.. Events(path).Where(item => item.GetProperty("ph").GetString() == "X").Select(item => new Slice(
        item.GetProperty("name").GetString()!, item.GetProperty("cat").GetString()!, item.GetProperty("tid").GetInt64(),
        item.GetProperty("ts").GetDecimal(), item.GetProperty("ts").GetDecimal() + item.GetProperty("dur").GetDecimal(),
        item.GetProperty("args").GetProperty("step").GetInt64(), item.GetProperty("args")))];

    private static Dictionary<long, string> ThreadNames(string path) => Events(path)
        .Where(item => item.GetProperty("name").GetString() == "thread_name")
        .ToDictionary(item => item.GetProperty("tid").GetInt64(), item => item.GetProperty("args").GetProperty("name").GetString()!);

    private static List<JsonElement> Events(string path) =>
        [.. JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("traceEvents").EnumerateArray()];

    /// <summary>On a track, a slice lies inside the one that it began in, or behind it.</summary>
    private static void AssertNested(List<Slice> slices)
    {
        Assert.NotEmpty(slices);
        foreach (IGrouping<long, Slice> track in slices.GroupBy(slice => slice.Thread))
        {
            Stack<Slice> open = new();
            foreach (Slice slice in track.OrderBy(slice => slice.Begin).ThenByDescending(slice => slice.End))
            {
                while (open.Count > 0 && open.Peek().End <= slice.Begin)
                    open.Pop();
                Assert.True(open.Count == 0 || slice.End <= open.Peek().End, $"{slice} crosses the end of {(open.Count > 0 ? open.Peek() : null)}");
                open.Push(slice);
            }
        }
    }
}
