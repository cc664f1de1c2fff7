using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Reference;
using CudnnResNet.Tensors;
using CudnnResNet.Tests.Golden;
using CudnnResNet.Training;

namespace CudnnResNet.Tests.Autodiff;

/// <summary>Where updates stand decides how long gradients live.</summary>
public class UpdateOrderTests
{
    private static readonly ResNetSpec Spec = new() { Depth = 18, Width = 16, Stem = ResNetStem.Cifar };
    private static readonly SgdOptions Sgd = new(0.9, 1e-4);

    public static TheoryData<string> WithoutClipping => ["sgd", "lars", "average"];

    /// <summary>Between the last use of a parameter or its gradient and its update stand updates alone.</summary>
    [Theory]
    [MemberData(nameof(WithoutClipping))]
    public void WithoutClippingAnUpdateFollowsItsGradientAtOnce(string kind)
    {
        LayerGraph graph = Step(kind switch
        {
            "lars" => Sgd with { TrustCoefficient = 0.01 },
            "average" => Sgd with { AverageDecay = 0.9 },
            _ => Sgd,
        });
        int updates = 0;
        for (int i = 0; i < graph.Nodes.Length; i++)
        {
            if (graph.Nodes[i].Operation is not SgdUpdate)
                continue;
            updates++;
            int before = i - 1;
            while (IsUpdate(graph.Nodes[before]))
                before--;
            Node user = graph.Nodes[before];
            Assert.Contains(graph.Nodes[i].Inputs, id => user.Inputs.Contains(id) || user.Outputs.Contains(id));
        }
        Assert.Equal(graph.WithRole(ValueRole.Parameter).Count(), updates);
    }

    /// <summary>No update before the norm of all gradients, each of which enters it once.</summary>
    [Fact]
    public void WithClippingUpdatesFollowTheNorm()
    {
        LayerGraph graph = Step(Sgd with { ClipNorm = 1 });
        int clip = graph.Nodes.IndexOf(graph.Nodes.Single(node => node.Operation is ClipScale));
        Assert.All(graph.Nodes.Take(clip), node => Assert.IsNotType<SgdUpdate>(node.Operation));
        ValueId[] summed = [.. graph.Nodes.Where(node => node.Operation is SquaredSum).Select(node => node.Inputs[0])];
        ValueId[] gradients = [.. graph.WithRole(ValueRole.Parameter)
            .Select(value => graph.Find(BackwardGraph.GradientName(value.Name)).Id)];
        Assert.Equal(gradients.OrderBy(id => id.Index), summed.OrderBy(id => id.Index));
    }

    /// <summary>Nothing but the scalars is added to memory where nothing waits for a norm; clipping keeps gradients.</summary>
    [Fact]
    public void OnlyClippingCostsMemory()
    {
        long plain = Transient(Sgd);
        long gradients = Step(Sgd).WithRole(ValueRole.Parameter).Sum(value => value.Bytes);
        Assert.InRange(Transient(Sgd with { TrustCoefficient = 0.01 }), plain, plain + 4096);
        Assert.Equal(plain, Transient(Sgd with { AverageDecay = 0.9, Nesterov = true }));
        Assert.InRange(Transient(Sgd with { ClipNorm = 1 }), plain + gradients / 4, plain + 2 * gradients);
    }

    private static bool IsUpdate(Node node) => node.Operation is SgdUpdate or SquaredSum or TrustRatio or Blend;

    private static LayerGraph Step(SgdOptions optimizer) =>
        TrainingSession.StepGraph(Spec, 2, 16, 16, Precision.Fp32, new StepOptions(optimizer));

    private static long Transient(SgdOptions optimizer)
    {
        using ReferenceBackend backend = new(1);
        CompiledGraph compiled = Compiler.Compile(Step(optimizer), backend, GoldenNetwork.Untuned);
        return compiled.Memory.TransientBytes;
    }
}
