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
    private readonly int _classes;

    public PassInputs(ExecutionPlan plan, RunQueue queue, int slot, IEnumerable<RateFactor> factors)
    {
        Images = Access(ResNetGraph.Images);
        Batches = new BatchInput(Images);
        // The one logit of a sigmoid tells two classes apart.
        _classes = Math.Max(plan.Compiled.Graph.Find(ResNetGraph.Logits).Shape.C, 2);
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

    /// <exception cref="ResNetException">A label is no class of the network: kernels index the logits by it.</exception>
    public void WriteLabels(ReadOnlySpan<int> labels, double learningRate)
    {
        for (int i = 0; i < labels.Length; i++)
            if ((uint)labels[i] >= (uint)_classes)
                throw new ResNetException($"Image {i} of the batch has the label {labels[i]}, and the network knows the classes 0 to {_classes - 1}; "
                    + "correct the labels, or give the network more classes.");
        _labels.Write(labels);
        foreach ((HostAccess access, double factor) in _rates)
        {
            _scalar[0] = factor * learningRate;
            access.Write(_scalar);
        }
    }

    public void Dispose() => Batches.Dispose();
}
