using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Training;

/// <summary>A training step, compiled for one size, before it has memory.</summary>
/// <param name="Spec">The network.</param>
/// <param name="Options">What a step does.</param>
/// <param name="Update">The plan of the step's last pass.</param>
/// <param name="Accumulate">The plan of the passes before; null where there are none.</param>
internal sealed record CompiledStep(ResNetSpec Spec, StepOptions Options, CompiledGraph Update, CompiledGraph? Accumulate)
{
    private const string Family = "training";

    /// <summary>The plans with the family in which they share a block of memory.</summary>
    public IEnumerable<(string Family, CompiledGraph Plan)> Plans => Accumulate is null
        ? [(Family, Update)]
        : [(Family, Update), (Family, Accumulate)];

    /// <exception cref="ResNetException">The options exclude each other.</exception>
    public static CompiledStep Of(ResNetSpec spec, int batch, int height, int width,
        Precision precision, StepOptions step, IBackend backend, CompilerOptions options) =>
        Of(spec, ResNetGraph.Training(spec, batch, height, width, precision, step.LabelSmoothing, step.FrozenBatchNorm),
            step.For(precision), backend, options);

    /// <inheritdoc cref="Of(ResNetSpec, int, int, int, Precision, StepOptions, IBackend, CompilerOptions)"/>
    public static CompiledStep Of(
        ResNetSpec spec, LayerGraph forward, StepOptions step, IBackend backend, CompilerOptions options)
    {
        if (step is { KeepGradients: true, Passes: > 1 })
            throw new ResNetException("Gradients that are accumulated over several batches are cleared in the update; "
                + "to read them, leave out the accumulation.");
        StepGraphs graphs = Graphs(forward, step, backend);
        CompilerOptions changing = options with { ConstantWeights = false };
        CompiledGraph update = Compiler.Compile(graphs.Update, backend, changing);
        return new CompiledStep(spec, step, update,
            graphs.Accumulate is { } accumulate ? Compiler.Compile(accumulate, backend, changing) : null);
    }

    /// <summary>The graphs of a step, as a backend wants them.</summary>
    public static StepGraphs Graphs(LayerGraph forward, StepOptions options, IBackend? backend)
    {
        IReadOnlyList<Value> trained = ParameterUpdates.Trained(forward, options.Optimizer);
        if (trained.Count == 0)
            throw new ResNetException("Every parameter is frozen; leave some to be trained.");
        LayerGraph backward = BackwardGraph.OfLoss(forward, forward.Find(ResNetGraph.Loss).Id, trained,
            isScaled: options.Optimizer.LossScaling is not null, recomputesMasks: backend?.PrefersRecomputedMasks ?? false);
        StepGraphs graphs = ParameterUpdates.Append(
            backward, options.Optimizer, options.Passes, together: backend?.PrefersGroupedUpdates ?? false);
        LayerGraph step = graphs.Update;
        return options.KeepGradients
            ? graphs with
            {
                Update = step with
                {
                    Outputs = [.. step.Outputs, .. TrainingState.GradientsIn(step).Select(pair => pair.Gradient.Id)],
                },
            }
            : graphs;
    }
}
