using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Scheduling;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Scheduling;

public class FusedPathSchedulerTests
{
    private static readonly string[] Catalog =
    [
        "conv_fwd relu", "conv_fwd add relu", "bn_train relu", "bn_train add relu", "add relu_bwd bn_bwd",
        "relu_bwd bn_bwd", "add relu_bwd", "conv_bwd_data add", "*",
    ];

    /// <summary>
    /// On small graphs every set of disjoint chains is tried. The cheapest has the cost that the scheduler finds,
    /// for random prices.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void FindsTheCheapestCut(int seed)
    {
        LayerGraph forward = ResidualBlock.Build(
            new BlockSpec(ResNetVersion.V1_5, IsBottleneck: false, InChannels: 4, Channels: 4, Stride: 1),
            n: 1, h: 4, w: 4, Precision.Fp32, BuildMode.Training);
        LayerGraph graph = BackwardGraph.OfOutput(forward, forward.Outputs[0], [forward.Find("x").Id]);
        Random random = new(seed);
        using CatalogBackend backend = new(Catalog);
        using ArenaPool pool = new(backend);
        PlanCache prices = PlanCache.Open(null, backend.Identity);
        KernelSelector selector = new(backend, prices, pool);
        foreach (Node[] chain in Chains(graph))
            foreach (Kernel kernel in backend.Kernels)
            {
                Problem problem = Extract(graph, chain);
                if (kernel.Check(problem).IsSupported && prices.Find(kernel.Name, problem.Line) is null)
                    prices.Add(kernel.Name, problem.Line, 1 + 10 * random.NextDouble());
            }

        ScheduledGraph schedule = FusedPathScheduler.Schedule(graph, selector, constantWeights: false);

        Assert.Equal(CheapestCut(graph, selector, [], 0), schedule.Cost, 1e-9);
        AssertIsLegal(schedule);
    }

    [Fact]
    public void WithoutFusionEveryNodeIsASegment()
    {
        LayerGraph graph = StepGraph(ResNetVersion.V1_5);
        using CatalogBackend backend = new(Catalog);
        KernelSelector selector = new(backend, PlanCache.Open(null, ""), pool: null);
        ScheduledGraph schedule = FusedPathScheduler.Schedule(graph, selector, constantWeights: false, isFusing: false);
        Assert.Equal(graph.Nodes.Length, schedule.Segments.Length);
        AssertIsLegal(schedule);
    }

    [Theory]
    [InlineData(ResNetVersion.V1_5)]
    [InlineData(ResNetVersion.V2)]
    public void TrainingStepsAreCutLegally(ResNetVersion version)
    {
        LayerGraph graph = StepGraph(version);
        using CatalogBackend backend = new(Catalog);
        KernelSelector selector = new(backend, PlanCache.Open(null, ""), pool: null);
        ScheduledGraph schedule = FusedPathScheduler.Schedule(graph, selector, constantWeights: false);
        Assert.True(schedule.Segments.Length < graph.Nodes.Length - 20);
        AssertIsLegal(schedule);
    }

    [Fact]
    public void InferenceTakesTheShortcutIntoTheLastConvolution()
    {
        LayerGraph graph = BatchNormFolding.Apply(ResNetGraph.Inference(new ResNetSpec { Depth = 50 }, 1, 64, 64, Precision.Fp32)).Graph;
        using CatalogBackend backend = new(Catalog);
        KernelSelector selector = new(backend, PlanCache.Open(null, ""), pool: null);
        ScheduledGraph schedule = FusedPathScheduler.Schedule(graph, selector, constantWeights: true);
        Assert.Equal(16, schedule.Segments.Count(segment => segment.Kernel.Name == "conv_fwd add relu"));
        Assert.All(schedule.Segments.Where(s => s.Nodes[0].Operation is ConvolutionForward),
            segment => Assert.EndsWith(" const", segment.Problem.Line, StringComparison.Ordinal));
        AssertIsLegal(schedule);
    }

    private static LayerGraph StepGraph(ResNetVersion version) => TrainingSession.StepGraph(
        new ResNetSpec { Depth = 18, Version = version, Classes = 10 }, 2, 64, 64, Precision.Fp32,
        new StepOptions(new SgdOptions(0.9, 1e-4)));

    /// <summary>Every node is in one segment, what a segment reads was written before, and a parameter changes last.</summary>
    private static void AssertIsLegal(ScheduledGraph schedule)
    {
        HashSet<Node> seen = [];
        HashSet<ValueId> written = [.. schedule.Graph.Values.Where(value => value.IsPersistent).Select(value => value.Id)];
        HashSet<ValueId> changed = [];
        foreach (Segment segment in schedule.Segments)
        {
            foreach (Node node in segment.Nodes)
                Assert.True(seen.Add(node));
            foreach (ValueId local in segment.Problem.Inputs)
            {
                Assert.Contains(segment.Bound[local], written);
                Assert.DoesNotContain(segment.Bound[local], changed);
            }
            foreach (ValueId local in segment.Problem.Outputs)
                written.Add(segment.Bound[local]);
            foreach (Node node in segment.Nodes)
                foreach (int slot in OperationTable.Of(node.Operation).MutatedInputs)
                    changed.Add(node.Inputs[slot]);
        }
        Assert.Equal(schedule.Graph.Nodes.Length, seen.Count);
        Assert.All(schedule.Graph.Outputs, id => Assert.Contains(id, written));
    }

    private static double CheapestCut(LayerGraph graph, KernelSelector selector, HashSet<Node> covered, int next)
    {
        if (next == graph.Nodes.Length)
            return 0;
        if (covered.Contains(graph.Nodes[next]))
            return CheapestCut(graph, selector, covered, next + 1);
        double best = double.PositiveInfinity;
        foreach (Node[] chain in ChainsFrom(graph, [graph.Nodes[next]]))
        {
            Selection selection = selector.Select(Extract(graph, chain));
            if (selection.Kernel is null || chain.Any(covered.Contains))
                continue;
            HashSet<Node> more = [.. covered, .. chain];
            best = Math.Min(best, selection.Cost + CheapestCut(graph, selector, more, next + 1));
        }
        return best;
    }

    private static IEnumerable<Node[]> Chains(LayerGraph graph) =>
        graph.Nodes.SelectMany(node => ChainsFrom(graph, [node]));

    private static IEnumerable<Node[]> ChainsFrom(LayerGraph graph, Node[] chain)
    {
        yield return chain;
        if (chain.Length == 4 || chain[^1].Outputs.IsEmpty)
            yield break;
        foreach (Node reader in graph.Nodes)
            if (reader.Inputs[OperationTable.Of(reader.Operation).ChainInput] == chain[^1].Outputs[0])
                foreach (Node[] longer in ChainsFrom(graph, [.. chain, reader]))
                    yield return longer;
    }

    private static Problem Extract(LayerGraph graph, Node[] chain)
    {
        bool IsNeeded(ValueId id) => graph.Outputs.Contains(id)
            || graph.Nodes.Any(node => node.Inputs.Contains(id) && !chain.Contains(node));
        return ProblemExtraction.Extract(graph, chain, IsNeeded, constantWeights: false).Problem;
    }
}
