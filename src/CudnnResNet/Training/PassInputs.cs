using CudnnResNet.Autodiff;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;

namespace CudnnResNet.Training;

/// <summary>What the host gives to one pass: images, labels and learning rates, in the inputs of one slot.</summary>
internal sealed class PassInputs : IDisposable
{
    private readonly HostAccess _labels;
    private readonly (HostAccess Access, double Factor)[] _rates;
    private readonly double[] _scalar = new double[1];

    public PassInputs(ExecutionPlan plan, RunQueue queue, int slot, IEnumerable<RateFactor> factors)
    {
        Images = Access(ResNetGraph.Images);
        Batches = new BatchInput(Images);
        _labels = Access(ResNetGraph.Labels);
        _rates = [.. factors.Select(entry => entry.Factor).Append(1).Distinct()
            .Select(factor => (Name: ParameterUpdates.RateName(factor), Factor: factor))
            .Where(rate => plan.Compiled.Graph.WithRole(ValueRole.Input).Any(value => value.Name == rate.Name))
            .Select(rate => (Access(rate.Name), rate.Factor))];

        HostAccess Access(string name)
        {
            Value value = plan.Compiled.Graph.Find(name);
            return new HostAccess(plan, value, queue, plan.InputOf(value.Id, slot));
        }
    }

    public HostAccess Images { get; }

    /// <summary>Another way to write the images.</summary>
    public BatchInput Batches { get; }

    public void WriteLabels(ReadOnlySpan<int> labels, double learningRate)
    {
        _labels.Write(labels);
        foreach ((HostAccess access, double factor) in _rates)
        {
            _scalar[0] = factor * learningRate;
            access.Write(_scalar);
        }
    }

    public void Dispose() => Batches.Dispose();
}
