using System.Text.Json;
using System.Text.RegularExpressions;
using CudnnResNet.Data;
using CudnnResNet.Reporting;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

public class TrainCommandTests
{
    /// <summary>
    /// Files in, log and checkpoint out: seven steps in double follow PyTorch's float64 run. Only the images pass through
    /// float32, so results may be off by what PyTorch's float32 runs are, which round everything.
    /// </summary>
    [Theory]
    [MemberData(nameof(TrainingRun.All), MemberType = typeof(TrainingRun))]
    public void ARunOnFilesFollowsPyTorch(string name)
    {
        using TemporaryFolder folder = new();
        TrainingRun run = TrainingRun.Load(name);
        string[] common = [.. GoldenFiles.Write(folder, run), "--precision", "fp64", .. CliRun.OnReference];
        _ = CliRun.Success(["train", .. Recipe(run.Options, folder), .. common]);

        List<JsonElement> log = ReadLog(folder.File("run.jsonl"));
        Assert.Equal(run.Float64.Steps.Length, log.Count);
        for (int i = 0; i < log.Count; i++)
        {
            TrainingRunStep expected = run.Float64.Steps[i];
            Assert.Equal(expected.Step, log[i].GetProperty("step").GetInt32());
            Assert.Equal(i / (TrainingRun.Images / TrainingRun.Batch) + 1, log[i].GetProperty("epoch").GetInt32());
            Assert.Equal(expected.Lr, log[i].GetProperty("lr").GetDouble(), 1e-15);
            Assert.True(log[i].GetProperty("imagesPerSecond").GetDouble() > 0);
            double bound = Math.Max(
                Math.Abs(run.Float32.Steps[i].Loss - expected.Loss), Math.Abs(run.Float32ChannelsLast.Steps[i].Loss - expected.Loss));
            AssertClose(expected.Loss, log[i].GetProperty("loss").GetDouble(), Math.Max(bound, 1e-6 * expected.Loss));
        }
        AssertLogits(run.Float64.InitialLogits, run.Float32.InitialLogits, Predict(folder, "init.safetensors", common));
        AssertLogits(run.Float64.FinalLogits, run.Float32.FinalLogits, Predict(folder, "out/last.safetensors", common));
    }

    /// <summary>Gradient norms of the first step against PyTorch's in float64; images rounded to float32 change them by 1e-7.</summary>
    [Fact]
    public void TheFirstGradientsArePyTorchs()
    {
        using TemporaryFolder folder = new();
        GoldenCase golden = GoldenCase.Load("resnet18-v2-cifar");
        string[] network = GoldenFiles.Write(folder, golden);
        _ = CliRun.Success(["train", "--data", $"npy:{folder.Path}", "--init", folder.File("init.safetensors"),
            "--batch", $"{golden.Batch}", "--steps", "1", "--lr", $"{golden.LearningRate}", "--schedule", "constant",
            "--momentum", $"{golden.Momentum}", "--weight-decay", $"{golden.WeightDecay}", "--no-shuffle", "--augment", "none",
            "--normalize", "none", "--dump-gradients", folder.File("gradients.safetensors"), "--out", folder.File("out"),
            "--precision", "fp64", .. network, .. CliRun.OnReference]);
        TensorFile gradients = Safetensors.Read(folder.File("gradients.safetensors"));
        Assert.Equal(golden.FirstStepGradientNorms.Keys.Order(), gradients.Tensors.Select(tensor => tensor.Name).Order());
        foreach (NamedTensor gradient in gradients.Tensors)
        {
            double expected = golden.FirstStepGradientNorms[gradient.Name];
            AssertClose(expected, GoldenNetwork.Norm(gradient.ToDoubles()), 1e-5 * expected);
        }
    }

    [Fact]
    public void AResumedRunRepeatsTheUnbrokenOne()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        string[] flags = ["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network,
            "--batch", "6", "--lr", "0.05", "--schedule", "constant", "--seed", "7", .. CliRun.OnReference];
        _ = CliRun.Success([.. flags, "--steps", "7", "--out", folder.File("whole"), "--log", folder.File("whole.jsonl")]);
        _ = CliRun.Success([.. flags, "--steps", "4", "--out", folder.File("half"), "--log", folder.File("half.jsonl")]);
        _ = CliRun.Success([.. flags, "--steps", "7", "--out", folder.File("half"), "--log", folder.File("half.jsonl"),
            "--resume", folder.File("half/last.safetensors")]);

        List<double> whole = [.. ReadLog(folder.File("whole.jsonl")).Select(line => line.GetProperty("loss").GetDouble())];
        Assert.Equal(7, whole.Count);
        Assert.Equal(whole, ReadLog(folder.File("half.jsonl")).Select(line => line.GetProperty("loss").GetDouble()));
        TensorFile last = Safetensors.Read(folder.File("half/last.safetensors"));
        foreach (NamedTensor tensor in Safetensors.Read(folder.File("whole/last.safetensors")).Tensors)
            Assert.True(tensor.Data.Span.SequenceEqual(last.TryGet(tensor.Name)!.Data.Span), tensor.Name);
    }

    /// <summary>Through two epochs at an ordinary rate, then far beyond float32: exit code 2, and one line that names what can be continued.</summary>
    [Fact]
    public void ALossThatIsNotFiniteEndsTheCommand()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 12, classes: 3);
        string[] train = ["train", "--data", $"npy:{folder.Path}", "--test-data", "none", .. SmallData.Network, "--batch", "6", "--epochs", "6",
            "--schedule", "linear", "--out", folder.File("out"), .. CliRun.OnReference];
        string error = CliRun.Refusal([.. train, "--points", "0:0.01,2:0.01,2.01:1e38"]);
        Match match = Regex.Match(error, @"^(The loss became (NaN|∞|-∞) at step [0-9]+|.* became NaN or infinite); try a lower --lr.*"
            + @"; training stopped after step [0-9]+; the last good checkpoint is (?<path>.*) of step (?<step>[0-9]+), --resume continues there\.$");
        Assert.True(match.Success, error);
        Checkpoint good = Checkpoint.Load(match.Groups["path"].Value);
        Assert.Equal(folder.File("out/last.safetensors"), match.Groups["path"].Value);
        Assert.Equal(match.Groups["step"].Value, $"{good.Progress.Step}");
        Assert.True(good.Progress.Step >= 4);
        Assert.Contains($"resumed  after step {good.Progress.Step}, not bit for bit: ",
            CliRun.Success([.. train, "--points", "0:0.01", "--resume", folder.File("out"), "--resume-anyway"]), StringComparison.Ordinal);
    }

    /// <summary>Two runs with --deterministic and one that was continued hold the same bits, in either type.</summary>
    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void ADeterministicRunRepeatsItself(string precision)
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 20, classes: 3);
        string[] train = ["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "4",
            "--lr", "0.02", "--schedule", "constant", "--ema", "0.9", "--no-report", "--deterministic", "--precision", precision,
            "--device", "onednn", "--threads", "2", "--plan-cache", "none"];
        // Epochs of five steps.
        _ = CliRun.Success([.. train, "--steps", "10", "--out", folder.File("first")]);
        _ = CliRun.Success([.. train, "--steps", "10", "--out", folder.File("second")]);
        _ = CliRun.Success([.. train, "--steps", "7", "--out", folder.File("third")]);
        Assert.Contains("after step 7, bit for bit", CliRun.Success([.. train, "--steps", "10", "--resume", folder.File("third")]), StringComparison.Ordinal);
        string[] first = Numbers("first");
        Assert.Equal(12, first.Length);
        Assert.Equal(first, Numbers("second"));
        Assert.Equal(first, Numbers("third"));
        foreach (string other in (string[])["second", "third"])
        {
            TensorFile last = Safetensors.Read(folder.File($"{other}/last.safetensors"));
            foreach (NamedTensor tensor in Safetensors.Read(folder.File("first/last.safetensors")).Tensors)
                Assert.True(tensor.Data.Span.SequenceEqual(last.TryGet(tensor.Name)!.Data.Span), $"{other}: {tensor.Name}");
        }

        string[] Numbers(string run)
        {
            RunLog log = RunLogReader.Read(folder.File($"{run}/run.jsonl"));
            return [.. log.Steps.Select(step => $"{step with { ImagesPerSecond = 0 }}"), .. log.Epochs.Select(epoch => $"{epoch with { Seconds = 0 }}")];
        }
    }

    /// <summary>What is not asked for is taken from the data, and the checkpoint then describes itself.</summary>
    [Fact]
    public void TheDataDecideWhatIsLeftOpen()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 8, classes: 3);
        string said = CliRun.Success(["train", "--data", $"npy:{folder.Path}", "--model", "resnet18", "--width", "4",
            "--batch", "8", "--steps", "1", "--out", folder.File("out"), "--report", folder.File("report.html"), .. CliRun.OnReference]);
        Assert.Contains("resnet18 v1.5, cifar stem, width 4, 3 classes, 1 input channel (classes, input channels, stem chosen for the data)",
            said, StringComparison.Ordinal);
        Assert.Contains("3 classes", File.ReadAllText(folder.File("report.html")), StringComparison.Ordinal);

        string evaluated = CliRun.Success(["eval", "--weights", folder.File("out/best.safetensors"), "--data", $"npy:{folder.Path}",
            "--json", .. CliRun.OnReference]);
        using JsonDocument json = JsonDocument.Parse(evaluated);
        Assert.Equal(8, json.RootElement.GetProperty("images").GetInt32());
        Assert.Equal(json.RootElement.GetProperty("correct").GetInt32() / 8.0, json.RootElement.GetProperty("accuracy").GetDouble());
    }

    internal static List<JsonElement> ReadLog(string path) =>
        [.. File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string[] Recipe(TrainingRunOptions options, TemporaryFolder folder) =>
    [
        "--data", $"npy:{folder.Path}", "--init", folder.File("init.safetensors"), "--batch", $"{TrainingRun.Batch}",
        "--steps", "7", "--lr", $"{options.LearningRate}", "--schedule", options.Schedule, "--momentum", $"{TrainingRun.Momentum}",
        "--weight-decay", $"{options.WeightDecay}", .. options.NoDecayBnBias ? ["--no-decay-bn-bias"] : Array.Empty<string>(),
        "--label-smoothing", $"{options.LabelSmoothing}", "--seed", "1", "--no-shuffle", "--augment", "none",
        "--normalize", "none", "--log", folder.File("run.jsonl"), "--out", folder.File("out"),
    ];

    private static float[] Predict(TemporaryFolder folder, string weights, string[] common)
    {
        _ = CliRun.Success(["predict", "--weights", folder.File(weights), "--tensor", folder.File("images.npy"),
            "--out", folder.File("logits.npy"), .. common]);
        return NpyFile.Read(folder.File("logits.npy")).AsFloats().ToArray();
    }

    /// <summary>The first batch's rows, to what float32 costs PyTorch, and never finer than the float32 of the file.</summary>
    private static void AssertLogits(double[][] expected, double[][] expectedInFloat32, float[] actual)
    {
        double[] flat = [.. expected.SelectMany(row => row)];
        double[] narrow = [.. expectedInFloat32.SelectMany(row => row)];
        double largest = flat.Max(Math.Abs);
        double bound = Math.Max(2e-6 * largest, flat.Zip(narrow, (a, b) => Math.Abs(a - b)).Max());
        Assert.Equal(flat.Length * TrainingRun.Images / TrainingRun.Batch, actual.Length);
        for (int i = 0; i < flat.Length; i++)
            AssertClose(flat[i], actual[i], bound);
    }

    private static void AssertClose(double expected, double actual, double bound) =>
        Assert.True(Math.Abs(actual - expected) <= bound, $"{actual:R} instead of {expected:R}, more than {bound:R} off");

    [Fact]
    public void MoreStepsThanAScheduleTakesAreRefusedHoweverTheyAreGiven()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        string[] flags = ["train", "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6", "--out", folder.File("out"), .. CliRun.OnReference];
        Assert.Contains("give 1 to 1000000000", CliRun.Refusal([.. flags, "--steps", "2000000000"]), StringComparison.Ordinal);
        Assert.Contains("2000000000 epochs are 2000000000 steps", CliRun.Refusal([.. flags, "--epochs", "2000000000"]), StringComparison.Ordinal);
    }

    /// <summary>The run's own report and what it ends with are as if nobody had asked for the copy.</summary>
    [LinuxFact]
    public void ACopyOfTheReportThatCannotBeWrittenEndsNoRun()
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 6, classes: 3);
        CliRun run = CliRun.Of(["train", "--data", $"npy:{folder.Path}", "--test-data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "6",
            "--steps", "1", "--out", folder.File("out"), "--report", "/dev/full", .. CliRun.OnReference]);
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("report: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("/dev/full", run.Error, StringComparison.Ordinal);
        Assert.Contains("test accuracy ", run.Output, StringComparison.Ordinal);
        Assert.Contains(folder.File("out/report.html"), run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder.File("out/report.html")));
    }
}
