using CudnnResNet.Graph;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Weights;

namespace CudnnResNet.Tests.Scheduling;

public class PlanRecordTests
{
    /// <summary>
    /// Nodes 0: a = relu(x), 1: b = relu(a), 2: c = relu(x), 3: b + c. A kernel that takes two operations sees by their
    /// names alone no difference between a chain and two nodes that do not feed each other.
    /// </summary>
    [Theory]
    [InlineData("0 1|2|3", true)]
    [InlineData("0|1|2|3", true)]
    [InlineData("0 0|1|2|3", false)]
    [InlineData("1 0|2|3", false)]
    [InlineData("0 2|1|3", false)]
    [InlineData("2 1|0|3", false)]
    [InlineData("0 1|2", false)]
    [InlineData("1|0|2|3", false)]
    [InlineData("0 1|2|9", false)]
    public void OnlyChainsAreRebuilt(string segments, bool isPlan)
    {
        GraphBuilder builder = new();
        ValueId x = builder.Declare("x", TensorShape.Nhwc(1, 4, 4, 16), DataType.Float32, ValueRole.Input);
        ValueId a = builder.Apply(new Relu(), [x], "", "a")[0];
        ValueId b = builder.Apply(new Relu(), [a], "", "b")[0];
        ValueId c = builder.Apply(new Relu(), [x], "", "c")[0];
        builder.MarkOutput(builder.Apply(new Add(), [b, c], "", "y")[0]);
        LayerGraph graph = builder.ToGraph();
        using CatalogBackend backend = new("relu relu", "*");
        PlanRecord record = new(PlanRecord.FingerprintOf(graph, constantWeights: false), [], [.. segments.Split('|').Select(text =>
        {
            int[] nodes = [.. text.Split(' ').Select(int.Parse)];
            return new RecordedSegment(nodes.Length == 1 ? "*" : "relu relu", [.. nodes]);
        })]);
        Assert.Equal(isPlan, record.Rebuild(graph, backend.Kernels, constantWeights: false) is not null);
    }

    [Fact]
    public void AKeptPlanThatWasChangedIsNoPlan()
    {
        using TemporaryFolder folder = new();
        PlanFiles files = new(folder.File("plans"), "identity");
        PlanRecord record = new("graph", [4], [new("kernel", [0, 1]), new("other", [2])]);
        files.Keep(record, memoryLimitBytes: null);
        Assert.Equal(record.ToText(), files.Find("graph", null)!.ToText());
        Assert.Null(files.Find("graph", 1000));
        string path = Assert.Single(Directory.GetFiles(folder.File("plans")));
        string text = File.ReadAllText(path);
        File.WriteAllText(path, text.Replace("kernel\t0 1", "kernel\t0 3", StringComparison.Ordinal));
        Assert.NotEqual(text, File.ReadAllText(path));
        Assert.Null(files.Find("graph", null));
    }

    [Fact]
    public void TimesThatWereChangedAreMeasuredAgain()
    {
        using TemporaryFolder folder = new();
        PlanCache cache = PlanCache.Open(folder.Path, "identity");
        cache.Add("kernel", "problem", 12.5);
        cache.Save();
        Assert.Equal(12.5, PlanCache.Open(folder.Path, "identity").Find("kernel", "problem"));
        string path = Assert.Single(Directory.GetFiles(folder.Path));
        File.WriteAllText(path, File.ReadAllText(path).Replace("12.5", "13.5", StringComparison.Ordinal));
        Assert.Null(PlanCache.Open(folder.Path, "identity").Find("kernel", "problem"));
    }
}
