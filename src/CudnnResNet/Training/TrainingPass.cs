using CudnnResNet.Execution;
using CudnnResNet.Models;

namespace CudnnResNet.Training;

/// <summary>A plan that goes through a batch once, and where it leaves its results.</summary>
internal sealed class TrainingPass
{
    private readonly HostAccess _loss;
    private readonly double[] _scalar = new double[1];

    public TrainingPass(ExecutionPlan plan)
    {
        Plan = plan;
        _loss = Access(ResNetGraph.Loss);
        Logits = Access(ResNetGraph.Logits);
    }

    public ExecutionPlan Plan { get; }

    public HostAccess Logits { get; }

    public HostAccess Access(string name) => new(Plan, Plan.Compiled.Graph.Find(name));

    public double ReadLoss()
    {
        _loss.Read(_scalar);
        return _scalar[0];
    }
}
