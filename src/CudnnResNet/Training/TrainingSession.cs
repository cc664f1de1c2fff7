using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Training;

/// <summary>What a training step computes, apart from the network.</summary>
/// <param name="Optimizer">The update rule.</param>
/// <param name="LabelSmoothing">In [0, 1).</param>
/// <param name="KeepGradients">Keep every parameter's gradient until the end of the step, to be read.</param>
public sealed record StepOptions(SgdOptions Optimizer, double LabelSmoothing = 0, bool KeepGradients = false);

/// <summary>
/// A network in training at a fixed batch size. One step (forward, backward, update) is one plan; what changes from
/// step to step (images, labels, learning rate) is written into its memory before it runs.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly ExecutionPlan _plan;
    private readonly HostAccess _images;
    private readonly HostAccess _labels;
    private readonly HostAccess _rate;
    private readonly HostAccess _loss;
    private readonly HostAccess _logits;
    private readonly double[] _scalar = new double[1];

    private TrainingSession(ResNetSpec spec, ExecutionPlan plan)
    {
        Spec = spec;
        _plan = plan;
        HostAccess Access(string name) => new(plan, plan.Compiled.Graph.Find(name));
        _images = Access(ResNetGraph.Images);
        _labels = Access(ResNetGraph.Labels);
        _rate = Access(ParameterUpdates.LearningRate);
        _loss = Access(ResNetGraph.Loss);
        _logits = Access(ResNetGraph.Logits);
    }

    public ResNetSpec Spec { get; }

    public int Batch => _images.Value.Shape.N;

    /// <summary>Elements of one batch of images, NHWC.</summary>
    public int ImageElements => (int)_images.Value.Shape.Elements;

    /// <summary>Elements of one batch of logits, [N, Classes].</summary>
    public int LogitElements => (int)_logits.Value.Shape.Elements;

    public CompiledGraph Compiled => _plan.Compiled;

    /// <summary>The graph of a whole step.</summary>
    public static LayerGraph StepGraph(
        ResNetSpec spec, int batch, int height, int width, Precision precision, StepOptions options)
    {
        LayerGraph forward = ResNetGraph.Training(spec, batch, height, width, precision, options.LabelSmoothing);
        LayerGraph backward = BackwardGraph.OfLoss(forward, forward.Find(ResNetGraph.Loss).Id);
        LayerGraph step = ParameterUpdates.Append(backward, options.Optimizer);
        return options.KeepGradients
            ? step with
            {
                Outputs = [.. step.Outputs, .. step.WithRole(ValueRole.Parameter)
                    .Select(value => step.Find(BackwardGraph.GradientName(value.Name)).Id)],
            }
            : step;
    }

    public static TrainingSession Create(ResNetSpec spec, int batch, int height, int width,
        Precision precision, StepOptions step, IBackend backend, CompilerOptions options)
    {
        LayerGraph graph = StepGraph(spec, batch, height, width, precision, step);
        CompiledGraph compiled = Compiler.Compile(graph, backend, options with { ConstantWeights = false });
        return new TrainingSession(spec, ExecutionPlan.Load(compiled, backend));
    }

    /// <summary>Parameters and running statistics.</summary>
    public IEnumerable<Value> WeightValues => Compiled.Graph.Values.Where(value =>
        value.Role == ValueRole.Parameter || (value.Role == ValueRole.State && !IsVelocity(value)));

    /// <exception cref="ResNetException">The weights do not fit; the network keeps those that it had.</exception>
    public void LoadWeights(NetworkWeights weights)
    {
        weights.RequireMatch(WeightValues);
        foreach (Value value in WeightValues)
            new HostAccess(_plan, value).Write(weights.ValuesOf(value.Name, value.Shape));
    }

    /// <summary>A copy of the parameters and running statistics.</summary>
    public NetworkWeights SaveWeights() =>
        new(WeightValues.ToDictionary(value => value.Name, value => ToFile(value, value.Name)), "the training session");

    /// <summary>Momentum buffers under <c>optimizer.{parameter}.velocity</c>.</summary>
    public IEnumerable<NamedTensor> SaveOptimizer() => Compiled.Graph.Values.Where(IsVelocity)
        .Select(value => ToFile(value, NetworkWeights.OptimizerPrefix + value.Name));

    /// <exception cref="ResNetException">A momentum buffer is missing or has another shape.</exception>
    public void LoadOptimizer(NetworkWeights weights)
    {
        List<Value> buffers = [.. Compiled.Graph.Values.Where(IsVelocity)];
        Dictionary<string, NamedTensor> tensors = weights.Tensors
            .Where(entry => entry.Key.StartsWith(NetworkWeights.OptimizerPrefix, StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key[NetworkWeights.OptimizerPrefix.Length..], entry => entry.Value);
        NetworkWeights state = new(tensors, $"{weights.Origin} (optimizer state)");
        state.RequireMatch(buffers);
        foreach (Value value in buffers)
            new HostAccess(_plan, value).Write(state.ValuesOf(value.Name, value.Shape));
    }

    /// <summary>The gradients of the last step; the session must have been made with KeepGradients.</summary>
    public IEnumerable<NamedTensor> ReadGradients() => Compiled.Graph.WithRole(ValueRole.Parameter)
        .Select(value => ToFile(Compiled.Graph.Find(BackwardGraph.GradientName(value.Name)), value.Name));

    /// <summary>One step on images (NHWC, normalised) and labels.</summary>
    /// <returns>The batch's loss, before the update.</returns>
    public double Step(ReadOnlySpan<float> images, ReadOnlySpan<int> labels, double learningRate)
    {
        WriteBatch(images, labels, learningRate);
        Run();
        return ReadLoss();
    }

    /// <inheritdoc cref="Step(ReadOnlySpan{float}, ReadOnlySpan{int}, double)"/>
    public double Step(ReadOnlySpan<double> images, ReadOnlySpan<int> labels, double learningRate)
    {
        _images.Write(images);
        WriteLabels(labels, learningRate);
        Run();
        return ReadLoss();
    }

    /// <summary>What the next <see cref="Run"/> works on.</summary>
    public void WriteBatch(ReadOnlySpan<float> images, ReadOnlySpan<int> labels, double learningRate)
    {
        _images.Write(images);
        WriteLabels(labels, learningRate);
    }

    /// <summary>Forward, backward and update on the batch that was written last.</summary>
    public void Run() => _plan.Run();

    /// <summary>The loss of the last step's batch, before the update.</summary>
    public double ReadLoss()
    {
        _loss.Read(_scalar);
        return _scalar[0];
    }

    /// <summary>The logits of the last step's batch, [N, Classes].</summary>
    public void ReadLogits(Span<float> logits) => _logits.Read(logits);

    public void Dispose() => _plan.Dispose();

    private void WriteLabels(ReadOnlySpan<int> labels, double learningRate)
    {
        _labels.Write(labels);
        _scalar[0] = learningRate;
        _rate.Write(_scalar);
    }

    private NamedTensor ToFile(Value value, string name)
    {
        double[] values = new double[value.Shape.Elements];
        new HostAccess(_plan, value).Read(values);
        return NetworkWeights.ToFile(value, name, values);
    }

    private static bool IsVelocity(Value value) =>
        value.Role == ValueRole.State && value.Name.EndsWith(".velocity", StringComparison.Ordinal);
}
