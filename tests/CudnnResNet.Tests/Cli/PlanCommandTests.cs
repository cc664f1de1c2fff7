using System.Text.Json;
using System.Xml.Linq;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.OneDnn;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Cli;

public class PlanCommandTests
{
    private static readonly string[] Small =
        ["--model", "resnet18", "--stem", "cifar", "--classes", "10", "--width", "8", "--image-size", "16", "--batch", "2"];

    /// <summary>The chains of the blocks hold every node of the graph once; memory is what the compiler plans.</summary>
    [Theory]
    [InlineData("train")]
    [InlineData("infer")]
    public void EveryNodeIsInOneBlock(string mode)
    {
        using TemporaryFolder folder = new();
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(
            ["plan", "--mode", mode, .. Small, "--svg", folder.File("arena.svg"), "--json", .. CliRun.OnReference]));
        JsonElement plan = json.RootElement;
        List<Problem> problems = [.. Segments(plan).Select(segment => ProblemParser.Parse(segment.GetProperty("problem").GetString()!))];
        Assert.Equal(plan.GetProperty("kernels").GetInt32(), problems.Count);
        Assert.Equal(plan.GetProperty("nodes").GetInt32(), problems.Sum(problem => problem.Nodes.Length));
        string[] blocks = [.. plan.GetProperty("blocks").EnumerateArray().Select(block => $"{block.GetProperty("block")} {block.GetProperty("pass")}")];
        Assert.Equal(blocks.Length, blocks.Distinct().Count());
        Assert.Contains("layer3.1 forward", blocks);
        Assert.Equal(mode == "train", blocks.Contains("layer3.1 backward"));

        XElement svg = XDocument.Load(folder.File("arena.svg")).Root!;
        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Contains("fc.weight", svg.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void MemoryIsWhatTheCompilerPlans()
    {
        using TemporaryFolder folder = new();
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(
            ["plan", "--mode", "infer", .. Small, "--svg", folder.File("arena.svg"), "--json", .. CliRun.OnReference]));
        using ReferenceBackend backend = new(2);
        ResNetSpec spec = new() { Depth = 18, Stem = ResNetStem.Cifar, Classes = 10, Width = 8 };
        MemoryPlan expected = InferenceSession.Compile(spec, 2, 16, 16, Precision.Fp32, backend, GoldenNetwork.Untuned).Memory;
        JsonElement memory = json.RootElement.GetProperty("memory");
        Assert.Equal(expected.PeakBytes, memory.GetProperty("peakBytes").GetInt64());
        Assert.Equal(expected.PersistentBytes, memory.GetProperty("persistentBytes").GetInt64());
        Assert.InRange(memory.GetProperty("lowerBoundBytes").GetInt64(), expected.PersistentBytes, expected.PeakBytes);
        Assert.True(memory.GetProperty("withoutReuseBytes").GetInt64() > expected.PeakBytes);
    }

    /// <summary>With measurements: times add up, fusions are compared with their parts, refusals have reasons.</summary>
    [OneDnnFact]
    public void ATunedPlanShowsTimesAndRefusals()
    {
        using TemporaryFolder folder = new();
        using JsonDocument json = JsonDocument.Parse(CliRun.Success(["plan", "--mode", "infer", .. Small, "--svg", folder.File("arena.svg"),
            "--json", "--device", "onednn", "--threads", "1", "--plan-cache", folder.File("plans")]));
        JsonElement plan = json.RootElement;
        Assert.True(plan.GetProperty("measurements").GetInt32() > 0);
        double total = plan.GetProperty("microseconds").GetDouble();
        Assert.Equal(total, Segments(plan).Sum(segment => segment.GetProperty("microseconds").GetDouble()), total * 1e-9);
        foreach (JsonElement segment in Segments(plan))
        {
            bool isFused = ProblemParser.Parse(segment.GetProperty("problem").GetString()!).Nodes.Length > 1;
            Assert.Equal(isFused, segment.GetProperty("apartMicroseconds").ValueKind == JsonValueKind.Number);
        }
        Assert.NotEmpty(plan.GetProperty("refusals").EnumerateArray());
        foreach (JsonElement refusal in plan.GetProperty("refusals").EnumerateArray())
        {
            Assert.NotEqual("", refusal.GetProperty("reason").GetString());
            _ = ProblemParser.Parse(refusal.GetProperty("example").GetString()!);
        }
        Assert.NotEmpty(Directory.GetFiles(folder.File("plans")));
    }

    [Fact]
    public void TheTextShowsEqualBlocksOnce()
    {
        using TemporaryFolder folder = new();
        string text = CliRun.Success(["plan", "--mode", "train", "--model", "resnet34", "--stem", "cifar", "--width", "4", "--image-size", "16",
            "--batch", "2", "--svg", folder.File("arena.svg"), .. CliRun.OnReference]);
        Assert.Matches(@"layer3\.4 forward +not timed  as layer3\.1 forward", text);
        Assert.Matches(@"\d MiB +peak", text);
        Assert.Contains($"wrote {folder.File("arena.svg")}", text, StringComparison.Ordinal);
    }

    private static IEnumerable<JsonElement> Segments(JsonElement plan) =>
        plan.GetProperty("blocks").EnumerateArray().SelectMany(block => block.GetProperty("segments").EnumerateArray());
}
