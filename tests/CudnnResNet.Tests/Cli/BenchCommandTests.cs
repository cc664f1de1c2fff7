using System.Text.Json;
using CudnnResNet.Autodiff;
using CudnnResNet.Cli;
using CudnnResNet.Cli.Commands;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Cli;

public class BenchCommandTests
{
    private static readonly string[] Small = ["--model", "resnet18", "--stem", "cifar", "--width", "4", "--image-size", "8", "--batch", "3"];
    private static readonly string[] Percentiles = ["min", "mean", "p50", "p90", "p95", "p99", "max"];

    [Theory]
    [InlineData("infer")]
    [InlineData("train")]
    public void TheObjectHasTheFixedKeys(string mode)
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(
            ["bench", mode, .. Small, "--seconds", "0.2", "--warmup", "0", "--json", .. CliRun.OnReference]));
        JsonElement report = json.RootElement;
        Assert.Equal(["mode", "model", "version", "device", "precision", "batch", "imageSize", "threads", "imagesPerSecond",
            "latencyMs", "computeMs", "peakBytes", "planSeconds", "disturbedMeasurements", "libraries"], report.EnumerateObject().Select(property => property.Name));
        Assert.Equal((mode, "resnet18", "v1.5", "reference", "fp32"), (Text("mode"), Text("model"), Text("version"), Text("device"), Text("precision")));
        Assert.Equal((3, 8, 2), (report.GetProperty("batch").GetInt32(), report.GetProperty("imageSize").GetInt32(), report.GetProperty("threads").GetInt32()));
        foreach (string times in (string[])["latencyMs", "computeMs"])
        {
            Assert.Equal(Percentiles, report.GetProperty(times).EnumerateObject().Select(property => property.Name));
            double[] ascending = [Time(times, "min"), Time(times, "p50"), Time(times, "p90"), Time(times, "p95"), Time(times, "p99"), Time(times, "max")];
            Assert.Equal(ascending.Order(), ascending);
            Assert.InRange(Time(times, "mean"), ascending[0], ascending[^1]);
        }
        foreach (string statistic in Percentiles)
            Assert.InRange(Time("computeMs", statistic), 0, Time("latencyMs", statistic));
        double mean = Time("latencyMs", "mean");
        Assert.Equal(3000 / mean, report.GetProperty("imagesPerSecond").GetDouble(), 3 / mean);
        Assert.True(report.GetProperty("planSeconds").GetDouble() > 0);
        // The reference has one kernel for each operation: nothing is measured that could be disturbed.
        Assert.Equal(0, report.GetProperty("disturbedMeasurements").GetInt32());
        Assert.True(report.GetProperty("libraries").TryGetProperty("dotnet", out _));

        using TemporaryFolder folder = new();
        using JsonDocument plan = JsonDocument.Parse(CliRun.Success(
            ["plan", "--mode", mode, .. Small, "--svg", folder.File("arena.svg"), "--json", .. CliRun.OnReference]));
        Assert.Equal(plan.RootElement.GetProperty("memory").GetProperty("peakBytes").GetInt64(), report.GetProperty("peakBytes").GetInt64());

        string Text(string name) => report.GetProperty(name).GetString()!;
        double Time(string times, string statistic) => report.GetProperty(times).GetProperty(statistic).GetDouble();
    }

    /// <summary>Every batch's time is there where asked for, and the mean is theirs.</summary>
    [Fact]
    public void SamplesAreThoseOfTheStatistics()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(
            ["bench", "infer", .. Small, "--seconds", "0.1", "--warmup", "0", "--json", "--samples", .. CliRun.OnReference]));
        double[] samples = [.. json.RootElement.GetProperty("samplesMs").EnumerateArray().Select(sample => sample.GetDouble())];
        JsonElement latency = json.RootElement.GetProperty("latencyMs");
        Assert.Equal(samples.Average(), latency.GetProperty("mean").GetDouble(), 1e-9 * samples.Average());
        Assert.Equal((samples.Min(), samples.Max()), (latency.GetProperty("min").GetDouble(), latency.GetProperty("max").GetDouble()));
    }

    /// <summary>Nearest rank: the smallest value that so many of a hundred do not exceed.</summary>
    [Fact]
    public void PercentilesAreValuesThatOccurred()
    {
        double[] oneToTwenty = [.. Enumerable.Range(1, 20).Select(i => (double)i).Reverse()];
        Assert.Equal(new Latency(Min: 1, Mean: 10.5, P50: 10, P90: 18, P95: 19, P99: 20, Max: 20), Latency.Of(oneToTwenty));
        Assert.Equal(new Latency(7, 7, 7, 7, 7, 7, 7), Latency.Of([7]));
    }

    [Fact]
    public void TheReportForPeopleHasTheSameFigures()
    {
        string text = CliRun.Success(["bench", "infer", .. Small, "--seconds", "0.1", "--warmup", "0", .. CliRun.OnReference]);
        Assert.Matches(@"throughput +\d+\.\d images/s over \d+ batches", text);
        Assert.Matches(@"host to host( +\d+\.\d\d){7}", text);
        Assert.Matches(@"compute( +\d+\.\d\d){7}", text);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("infer")]
    public void OnDataTheShareOfWaitingIsReported(string mode)
    {
        using TemporaryFolder folder = new();
        SmallData.Write(folder, images: 12, classes: 3);
        string[] arguments = ["bench", mode, "--data", $"npy:{folder.Path}", .. SmallData.Network, "--batch", "4",
            "--seconds", "0.2", "--warmup", "0", .. CliRun.OnReference];
        using JsonDocument json = JsonDocument.Parse(CliRun.Success([.. arguments, "--json"]));
        Assert.Equal(folder.Path, json.RootElement.GetProperty("data").GetString());
        Assert.Equal(8, json.RootElement.GetProperty("imageSize").GetInt32());
        Assert.InRange(json.RootElement.GetProperty("inputWaitShare").GetDouble(), 0, 1);
        Assert.Matches(@"input +\S.*; waited for it \d+\.\d % of the time", CliRun.Success(arguments));
        Assert.Equal("--image-size and --data both say how large images are; give one of them", CliRun.Refusal([.. arguments, "--image-size", "8"]));
    }

    /// <summary>A set whose images take longer than the step: nearly all of the time is waiting.</summary>
    [Fact]
    public void ASlowLoaderIsWaitedFor()
    {
        SlowImages slow = new(TimeSpan.FromMilliseconds(20));
        ResNetSpec spec = new() { Depth = 18, Width = 4, Classes = 2, InputChannels = 1, Stem = ResNetStem.Cifar };
        using ReferenceBackend backend = new(threads: 1);
        using TrainingSession session = TrainingSession.Create(spec, 2, 8, 8, Precision.Fp32,
            new StepOptions(new SgdOptions(0, 0)), backend, new CompilerOptions { Tune = false });
        session.LoadWeights(WeightInitialization.Create(session.WeightValues, seed: 1));
        using BatchLoader loader = new BenchData(slow, Augmentation.None, Normalization.None).Load(session);
        BenchFeed feed = new(loader.Next, _ => { });
        feed.Write();
        feed.Reset();
        for (int i = 0; i < 5; i++)
            feed.Write();
        // Two batches were ready, made ahead; each of the rest takes two images.
        Assert.InRange(feed.WaitedMs, 3 * 2 * 20 * 0.9, 60_000);
    }

    private sealed class SlowImages(TimeSpan delay) : IDataSet
    {
        public string Name => "slow";

        public int Count => 64;

        public int Height => 8;

        public int Width => 8;

        public int Channels => 1;

        public int ClassCount => 2;

        public IReadOnlyList<string> ClassNames => ["a", "b"];

        public int Label(int index) => index % 2;

        public void ReadImage(int index, Span<float> nhwc)
        {
            Thread.Sleep(delay);
            nhwc.Clear();
        }
    }
}
