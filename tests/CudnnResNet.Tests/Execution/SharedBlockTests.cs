using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Models;
using CudnnResNet.OneDnn;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Tests.Weights;
using CudnnResNet.Weights;

namespace CudnnResNet.Tests.Execution;

/// <summary>Sessions of several sizes lie in one block of memory, and compute what each computes alone.</summary>
public class SharedBlockTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 8, Classes = 5 };
    private static readonly InferenceSize[] Sizes = [new(1, 64, 64), new(6, 48, 48), new(3, 64, 64)];

    [Theory]
    [InlineData("reference")]
    [InlineData("onednn")]
    public void SizesTakeTurnsInOneBlock(string name)
    {
        using CountingBackend backend = new(name == "reference" ? new ReferenceBackend(2) : new OneDnnBackend(2));
        NetworkWeights weights = SmallNetworks.Draw(Spec);
        (float[][] expected, long[] alone) = Alone(backend, weights);
        (int allocations, long bytes) = (backend.Allocations, backend.AllocatedBytes);
        using InferenceSessions sessions = InferenceSessions.Create(Spec, Sizes, Precision.Fp32, backend, GoldenNetwork.Untuned);
        Assert.Equal(1, backend.Allocations - allocations);
        Assert.Equal(sessions.Bytes, backend.AllocatedBytes - bytes);

        // Everything once that the sizes have in common, the room of the largest, and each size's packed weights.
        MemoryPlan[] plans = [.. sessions.Sessions.Select(session => session.Compiled.Memory)];
        LayerGraph largest = sessions.Sessions[1].Compiled.Graph;
        long parameters = largest.WithRole(ValueRole.Parameter).Sum(value => Region.Align(value.Bytes));
        long images = sessions.Sessions.Max(session => Region.Align(sizeof(float) * session.ImageElements));
        long packed = plans.Sum(plan => plan.Packed.Sum(region => Region.Align(region.Bytes)));
        Assert.Equal(parameters + images + packed + plans.Max(plan => plan.TransientBytes), sessions.Bytes);
        Assert.True(sessions.Bytes < alone.Sum() - parameters, $"{sessions.Bytes} bytes where the sessions alone take {alone.Sum()}");

        sessions.LoadWeights(weights);
        for (int round = 0; round < 2; round++)
            for (int i = 0; i < Sizes.Length; i++)
                Assert.Equal(expected[i], Run(sessions.Sessions[i]));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    [InlineData(4, 6)]
    [InlineData(7, 6)]
    public void TheSmallestBatchThatHoldsTheImagesIsTaken(int images, int batch)
    {
        using ReferenceBackend backend = new(1);
        using InferenceSessions sessions = InferenceSessions.Create(Spec with { Width = 2 }, Sizes, Precision.Fp32, backend, GoldenNetwork.Untuned);
        Assert.Equal(batch, sessions.For(images).Batch);
    }

    /// <summary>Values that plans of one family do not have in common, or that families have by one name, never share a place.</summary>
    [Fact]
    public void PlacesThatLastDoNotOverlap()
    {
        using ReferenceBackend backend = new(1);
        CompiledGraph Compile(int batch) => InferenceSession.Compile(Spec, batch, 48, 48, Precision.Fp32, backend, GoldenNetwork.Untuned);
        (string Family, LayerGraph Graph, MemoryPlan Memory)[] plans =
            [.. new[] { ("a", Compile(1)), ("a", Compile(2)), ("b", Compile(1)) }.Select(plan => (plan.Item1, plan.Item2.Graph, plan.Item2.Memory))];
        SharedBlock block = SharedBlock.Of(plans);
        Dictionary<Region, (string Family, string Name)> owners = [];
        for (int i = 0; i < plans.Length; i++)
        {
            Assert.Equal(block.Bytes, block.Plans[i].PeakBytes);
            foreach ((ValueId id, Region region) in block.Plans[i].Persistent)
            {
                Value value = plans[i].Graph[id];
                Assert.Equal(value.Bytes, region.Bytes);
                (string, string) owner = (plans[i].Family, value.Name);
                if (value.Role != ValueRole.Input && !owners.TryAdd(region, owner))
                    Assert.Equal(owner, owners[region]);
            }
        }
        (Region Region, (string Family, string Name) Owner)[] sorted = [.. owners.Select(pair => (pair.Key, pair.Value)).OrderBy(pair => pair.Key.OffsetBytes)];
        for (int i = 1; i < sorted.Length; i++)
            Assert.True(sorted[i - 1].Region.OffsetBytes + sorted[i - 1].Region.Bytes <= sorted[i].Region.OffsetBytes, $"{sorted[i].Owner}");
        MemoryPlan single = SharedBlock.Of([plans[0]]).Plans[0];
        Assert.Equal(plans[0].Memory.Persistent.OrderBy(pair => pair.Key.Index), single.Persistent.OrderBy(pair => pair.Key.Index));
        Assert.Equal(plans[0].Memory.PeakBytes, single.PeakBytes);
    }

    private static (float[][] Logits, long[] Bytes) Alone(IBackend backend, NetworkWeights weights)
    {
        List<float[]> logits = [];
        List<long> bytes = [];
        foreach (InferenceSize size in Sizes)
        {
            using InferenceSession session = InferenceSession.Create(
                Spec, size.Batch, size.Height, size.Width, Precision.Fp32, backend, GoldenNetwork.Untuned);
            session.LoadWeights(weights);
            logits.Add(Run(session));
            bytes.Add(session.Compiled.Memory.PeakBytes);
        }
        return ([.. logits], [.. bytes]);
    }

    private static float[] Run(InferenceSession session)
    {
        Random random = new(session.Batch);
        float[] images = new float[session.ImageElements];
        for (int i = 0; i < images.Length; i++)
            images[i] = random.NextSingle() - 0.5f;
        float[] logits = new float[session.LogitElements];
        session.Run(images, logits);
        return logits;
    }
}
