using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;

namespace CudnnResNet.Training;

/// <summary>A plan that goes through a batch once, and where it leaves its results.</summary>
internal sealed class TrainingPass
{
    private readonly Region[] _results;

    public TrainingPass(ExecutionPlan plan)
    {
        Plan = plan;
        (Loss, Logits) = (Find(ResNetGraph.Loss), Find(ResNetGraph.Logits));
        _results = [plan.RegionOf(Loss.Id), plan.RegionOf(Logits.Id)];
    }

    public ExecutionPlan Plan { get; }

    public Value Loss { get; }

    public Value Logits { get; }

    /// <summary>Loss, then logits.</summary>
    public ReadOnlySpan<Region> Results => _results;

    public Value Find(string name) => Plan.Compiled.Graph.Find(name);

    public HostAccess Access(string name) => new(Plan, Find(name));
}
