using CudnnResNet.Autodiff;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Training;

/// <summary>
/// A network in training at a fixed batch size. One step (forward, backward, update) is one plan; what changes from
/// step to step (images, labels, learning rate) is written into its memory before it runs. With gradient accumulation
/// a second plan over the same memory does the passes before the last. On a device that works beside its host, steps are
/// submitted ahead and collected later; whatever reads or writes the session's state meanwhile takes its place behind them.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly PlanGroup? _own;
    private readonly TrainingPass _update;
    private readonly TrainingPass? _accumulate;
    private readonly RunQueue _queue;
    private readonly StepsUnderWay _steps;
    private readonly Value _images;
    private readonly TrainingState _state;
    private readonly double[] _scalar = new double[1];
    private readonly HostAccess? _lossScale;
    private readonly bool _keepsGradients;
    private double _gradientScale = 1;

    /// <param name="compiled">The step.</param>
    /// <param name="plans">Its plans, loaded.</param>
    /// <param name="own">What they lie in, where the session is to dispose of it.</param>
    internal TrainingSession(CompiledStep compiled, ReadOnlySpan<ExecutionPlan> plans, PlanGroup? own = null)
    {
        StepOptions step = compiled.Options;
        ExecutionPlan update = plans[0];
        Spec = compiled.Spec;
        Passes = step.Passes;
        _keepsGradients = step.KeepGradients;
        _own = own;
        _update = new TrainingPass(update);
        _state = new TrainingState(update);
        _accumulate = plans.Length == 1 ? null : new TrainingPass(plans[1]);
        _images = _update.Find(ResNetGraph.Images);
        foreach (ExecutionPlan plan in plans)
            plan.BindFurtherRuns();
        _queue = update.CreateQueue(_update.Results);
        try
        {
            PassInputs[] inputs = [.. Enumerable.Range(0, _queue.Slots)
                .Select(slot => new PassInputs(update, _queue, slot, step.Optimizer.RateFactors))];
            _steps = new StepsUnderWay(_queue, inputs, Passes, _update);
            if (step.Optimizer.LossScaling is not { } scaling)
                return;
            _lossScale = _update.Access(LossScaling.Scale);
            _scalar[0] = scaling.Initial;
            _lossScale.Write(_scalar);
            _scalar[0] = 1 / scaling.Initial;
            _update.Access(LossScaling.Inverse).Write(_scalar);
        }
        catch
        {
            _queue.Dispose();
            throw;
        }
    }

    public ResNetSpec Spec { get; }

    /// <summary>Batches of a step.</summary>
    public int Passes { get; }

    /// <summary>Images of a step.</summary>
    public int Batch => Passes * _images.Shape.N;

    /// <summary>Elements of the images of one step, NHWC.</summary>
    public int ImageElements => _images.Shape.SpanLength(Passes);

    /// <summary>Elements of the logits of one step, [N, Classes].</summary>
    public int LogitElements => _update.Logits.Shape.SpanLength(Passes);

    /// <summary>The plan of a step's last pass, which updates; with one pass it is the whole step.</summary>
    public CompiledGraph Compiled => _update.Plan.Compiled;

    /// <summary>
    /// Steps that may be pending when <see cref="Submit(ReadOnlySpan{float}, ReadOnlySpan{int}, double)"/> returns; 0 where a
    /// step is over by then and is collected at once.
    /// </summary>
    public int MostPending => _steps.Most;

    /// <summary>Steps that were submitted and not collected.</summary>
    public int PendingSteps => _steps.Pending;

    /// <summary>What the device did with its time in the steps that were collected; null where it keeps none.</summary>
    public DeviceTime? DeviceTime => _queue.DeviceTime;

    /// <summary>What the next step multiplies the gradient of its loss by; null where the loss is not scaled.</summary>
    public double? ReadLossScale()
    {
        _lossScale?.Read(_scalar);
        return _lossScale is null ? null : _scalar[0];
    }

    /// <summary>Steps whose gradients were not finite, so that they changed no weight; null where the loss is not scaled.</summary>
    public long? ReadSkippedSteps()
    {
        if (_lossScale is null)
            return null;
        _update.Access(LossScaling.SkippedSteps).Read(_scalar);
        return (long)_scalar[0];
    }

    /// <summary>Records copies and kernels of the steps it asks for.</summary>
    public StepTrace? Trace
    {
        get => _update.Plan.Trace;
        set
        {
            _update.Plan.Trace = value;
            if (_accumulate is not null)
                _accumulate.Plan.Trace = value;
        }
    }

    /// <summary>Every plan of a step by name.</summary>
    public IEnumerable<(string Name, CompiledGraph Plan)> Plans => _accumulate is null
        ? [("plan", Compiled)]
        : [("plan", Compiled), ("plan of the accumulation", _accumulate.Plan.Compiled)];

    /// <summary>The graph of a whole step, or of the last pass of one, as a backend wants it.</summary>
    public static LayerGraph StepGraph(
        ResNetSpec spec, int batch, int height, int width, Precision precision, StepOptions options, IBackend? backend = null) =>
        CompiledStep.Graphs(ResNetGraph.Training(spec, batch, height, width, precision, options.LabelSmoothing, options.FrozenBatchNorm),
            options.For(precision), backend).Update;

    /// <exception cref="ResNetException">The options exclude each other.</exception>
    public static TrainingSession Create(ResNetSpec spec, int batch, int height, int width,
        Precision precision, StepOptions step, IBackend backend, CompilerOptions options) =>
        Create(spec, ResNetGraph.Training(spec, batch, height, width, precision, step.LabelSmoothing, step.FrozenBatchNorm),
            step.For(precision), backend, options);

    /// <param name="spec">Describes the network to others.</param>
    /// <param name="forward">Inputs <c>images</c> and <c>labels</c>, outputs <c>logits</c> and <c>loss</c>.</param>
    /// <param name="step">What a step does; the smoothing is the graph's.</param>
    /// <param name="backend">Computes.</param>
    /// <param name="options">How plans are made.</param>
    /// <exception cref="ResNetException">The options exclude each other.</exception>
    public static TrainingSession Create(
        ResNetSpec spec, LayerGraph forward, StepOptions step, IBackend backend, CompilerOptions options)
    {
        CompiledStep compiled = CompiledStep.Of(spec, forward, step, backend, options);
        _ = forward.Find(ResNetGraph.Images).Shape.SpanLength(step.Passes);
        _ = forward.Find(ResNetGraph.Logits).Shape.SpanLength(step.Passes);
        PlanGroup group = PlanGroup.Load(backend, [.. compiled.Plans]);
        try
        {
            return new TrainingSession(compiled, group.Plans.AsSpan(), group);
        }
        catch
        {
            group.Dispose();
            throw;
        }
    }

    /// <summary>Parameters and running statistics.</summary>
    public IEnumerable<Value> WeightValues => _state.Weights;

    /// <summary>A moving average begins with the weights.</summary>
    /// <exception cref="ResNetException">The weights do not fit; the network keeps those that it had.</exception>
    public void LoadWeights(NetworkWeights weights) => _state.LoadWeights(weights);

    /// <summary>A copy of the parameters and running statistics.</summary>
    public NetworkWeights SaveWeights() => _state.SaveWeights();

    /// <summary>The moving average of parameters and running statistics; null where none is kept.</summary>
    public NetworkWeights? SaveAverage() => _state.SaveAverage();

    /// <summary>
    /// Momentum buffers and the loss scale under <c>optimizer.</c> (<c>optimizer.{parameter}.velocity</c>), moving averages
    /// under <c>ema.{weight}</c>.
    /// </summary>
    public IEnumerable<NamedTensor> SaveOptimizer() => _state.SaveOptimizer();

    /// <exception cref="ResNetException">A momentum buffer or a moving average is missing or has another shape.</exception>
    public void LoadOptimizer(NetworkWeights weights) => _state.LoadOptimizer(weights);

    /// <summary>The gradients of the last step; the session must have been made with KeepGradients.</summary>
    public IEnumerable<NamedTensor> ReadGradients() => _state.ReadGradients(1 / _gradientScale);

    /// <summary>The most compact form of batches that steps take and normalise so; to be asked before the first.</summary>
    public BatchForm Accepts(IDataSet data, Normalization normalization) => _steps.Accepts(data, normalization);

    /// <summary>
    /// Begins one step on a batch of <see cref="Batch"/> images, which may change when this returns. Where a part of it cannot be
    /// written or run, no step has begun, and the gradients of the parts before are gone; running statistics keep what those
    /// parts gave them.
    /// </summary>
    /// <exception cref="InvalidOperationException"><see cref="MostPending"/> steps are pending already.</exception>
    public void Submit(Batch batch, double learningRate) => RunPasses(batch, ImageElements, batch.Labels, learningRate, Write);

    /// <summary>One step on images (NHWC, normalised) and labels. No other may be pending.</summary>
    /// <returns>The loss of the step's images, before the update.</returns>
    public double Step(ReadOnlySpan<float> images, ReadOnlySpan<int> labels, double learningRate)
    {
        RequireNonePending();
        Submit(images, labels, learningRate);
        return Collect();
    }

    /// <inheritdoc cref="Step(ReadOnlySpan{float}, ReadOnlySpan{int}, double)"/>
    public double Step(ReadOnlySpan<double> images, ReadOnlySpan<int> labels, double learningRate)
    {
        RequireNonePending();
        RunPasses(images, images.Length, labels, learningRate, Write);
        return Collect();
    }

    /// <summary>Begins one step; what it is given may change when this returns.</summary>
    /// <param name="images">NHWC, normalised.</param>
    /// <param name="labels">One an image.</param>
    /// <param name="learningRate">Of the step's update.</param>
    /// <exception cref="InvalidOperationException"><see cref="MostPending"/> steps are pending already.</exception>
    public void Submit(ReadOnlySpan<float> images, ReadOnlySpan<int> labels, double learningRate) =>
        RunPasses(images, images.Length, labels, learningRate, Write);

    /// <summary>Waits for the oldest pending step.</summary>
    /// <returns>The loss of its images, before its update.</returns>
    public double Collect()
    {
        _steps.Collect();
        return _steps.Loss;
    }

    /// <summary>What the next <see cref="Run"/> works on, in a session of one pass a step.</summary>
    public void WriteBatch(ReadOnlySpan<float> images, ReadOnlySpan<int> labels, double learningRate) =>
        WriteOnlyPass(images, images.Length, labels, learningRate, Write);

    /// <inheritdoc cref="WriteBatch(ReadOnlySpan{float}, ReadOnlySpan{int}, double)"/>
    public void WriteBatch(Batch batch, double learningRate) =>
        WriteOnlyPass(batch, ImageElements, batch.Labels, learningRate, Write);

    /// <summary>Begins the step on the batch that was written last: forward, backward and update.</summary>
    public void Run() => RunPass(_update);

    /// <summary>The logits of the images of the step that was collected last, [N, Classes].</summary>
    public void ReadLogits(Span<float> logits) => _steps.Logits.CopyTo(logits);

    public void Dispose()
    {
        _queue.Dispose();
        _steps.Dispose();
        _own?.Dispose();
    }

    private void RequireNonePending()
    {
        if (PendingSteps > 0)
            throw new InvalidOperationException($"{PendingSteps} steps are pending; collect them first.");
    }

    /// <summary>Kernels index the logits by labels. Asked before a pass is opened, so that the session can go on.</summary>
    private void RequireBatch(int imageElements, ReadOnlySpan<int> labels)
    {
        if (imageElements != ImageElements || labels.Length != Batch)
            throw new ArgumentException($"A step takes {ImageElements} elements of images and {Batch} labels; it was given {imageElements} and {labels.Length}.");
        int classes = ResNetSpec.LabelsOf(_update.Logits.Shape.C);
        for (int i = 0; i < labels.Length; i++)
            if ((uint)labels[i] >= (uint)classes)
                throw new ResNetException($"Image {i} of the batch has the label {labels[i]}, and the network knows the classes 0 to {classes - 1}; "
                    + "correct the labels, or give the network more classes.");
    }

    private void Withdraw()
    {
        if (_steps.Withdraw())
            _state.ClearGradientSums();
    }

    private void WriteOnlyPass<T>(T source, int imageElements, ReadOnlySpan<int> labels, double learningRate,
        Action<TrainingSession, PassInputs, T, int> write)
        where T : allows ref struct
    {
        if (Passes > 1)
            throw new InvalidOperationException($"A step has {Passes} passes here; submit its images instead.");
        RequireBatch(imageElements, labels);
        Open(source, labels, learningRate, pass: 0, write);
    }

    private void RunPasses<T>(T source, int imageElements, ReadOnlySpan<int> labels, double learningRate,
        Action<TrainingSession, PassInputs, T, int> write)
        where T : allows ref struct
    {
        RequireBatch(imageElements, labels);
        for (int pass = 0; pass < Passes; pass++)
        {
            Open(source, labels, learningRate, pass, write);
            RunPass(pass < Passes - 1 ? _accumulate! : _update);
        }
    }

    /// <summary>Takes the next pass and writes what it works on: its part of a step's images and labels.</summary>
    private void Open<T>(T source, ReadOnlySpan<int> labels, double learningRate, int pass, Action<TrainingSession, PassInputs, T, int> write)
        where T : allows ref struct
    {
        using StepTrace.SliceScope copy = StepTrace.Slice(Trace, TraceKind.CopyIn);
        PassInputs inputs = _steps.Open();
        try
        {
            write(this, inputs, source, pass);
            inputs.WriteLabels(PartOf(labels, pass), learningRate);
        }
        catch
        {
            Withdraw();
            throw;
        }
    }

    private void RunPass(TrainingPass pass)
    {
        try
        {
            // The step may change it, and the gradients that it keeps carry the old one.
            if (_keepsGradients && ReadLossScale() is { } scale)
                _gradientScale = scale;
            _steps.Run(pass);
        }
        catch
        {
            Withdraw();
            throw;
        }
    }

    private static void Write(TrainingSession session, PassInputs inputs, Batch batch, int pass) =>
        inputs.Batches.Write(batch, pass, session.Passes);

    private static void Write(TrainingSession session, PassInputs inputs, ReadOnlySpan<float> images, int pass) =>
        inputs.Images.Write(session.PartOf(images, pass));

    private static void Write(TrainingSession session, PassInputs inputs, ReadOnlySpan<double> images, int pass) =>
        inputs.Images.Write(session.PartOf(images, pass));

    private ReadOnlySpan<T> PartOf<T>(ReadOnlySpan<T> step, int pass) =>
        step.Slice(pass * (step.Length / Passes), step.Length / Passes);
}
