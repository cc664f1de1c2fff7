using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Inference;

/// <summary>
/// A network that serves batches of a fixed size: running statistics folded, weights packed once. One batch at a time is written,
/// run and read; many are submitted and collected in their order, so that a device that works beside its host has the next
/// before it while the host makes one more.
/// </summary>
public sealed class InferenceSession : IDisposable
{
    private readonly LayerGraph _network;
    private readonly FoldedGraph _folded;
    private readonly ExecutionPlan _plan;
    private readonly HostAccess _images;
    private readonly HostAccess _logits;
    private readonly bool _ownsPlan;
    private readonly SharedInputs _shared;

    // Its memory is taken when the first batch is submitted: who runs one at a time needs none of it.
    private BatchesUnderWay? _underWay;

    /// <param name="compiled">Of the plan.</param>
    /// <param name="plan">Loaded.</param>
    /// <param name="ownsPlan">The session disposes of the plan.</param>
    /// <param name="shared">With sessions whose images lie in the same place; null where there are none.</param>
    internal InferenceSession(CompiledInference compiled, ExecutionPlan plan, bool ownsPlan, SharedInputs? shared = null)
    {
        (Spec, _network, _folded) = (compiled.Spec, compiled.Network, compiled.Folded);
        (_plan, _ownsPlan, _shared) = (plan, ownsPlan, shared ?? new SharedInputs());
        _images = new HostAccess(plan, _folded.Graph.Find(ResNetGraph.Images));
        _logits = new HostAccess(plan, _folded.Graph.Find(ResNetGraph.Logits));
    }

    public ResNetSpec Spec { get; }

    public int Batch => _images.Value.Shape.N;

    /// <summary>Float32 elements of one batch of images, NHWC.</summary>
    public int ImageElements => _images.Value.Shape.SpanLength();

    /// <summary>Elements of one batch of logits, [N, Classes].</summary>
    public int LogitElements => _logits.Value.Shape.SpanLength();

    public CompiledGraph Compiled => _plan.Compiled;

    /// <summary>
    /// Batches that may be pending when <see cref="Submit(Batch)"/> returns; 0 where a batch is done by then and is collected at
    /// once.
    /// </summary>
    public int MostPending => _plan.MostSlots == 1 ? 0 : _plan.MostSlots;

    /// <summary>Batches that were submitted and not collected.</summary>
    public int PendingBatches => _underWay?.Pending ?? 0;

    /// <summary>What the device did with its time in the batches that were collected; null where it keeps none.</summary>
    public DeviceTime? DeviceTime => _underWay?.DeviceTime;

    /// <summary>Records copies and kernels of the steps it asks for; a step is a batch.</summary>
    public StepTrace? Trace
    {
        get => _plan.Trace;
        set => _plan.Trace = value;
    }

    public static CompiledGraph Compile(ResNetSpec spec, int batch, int height, int width,
        Precision precision, IBackend backend, CompilerOptions options) =>
        CompiledInference.Of(spec, batch, height, width, precision, backend, options).Plan;

    /// <param name="spec">The network.</param>
    /// <param name="batch">Images of a run.</param>
    /// <param name="height">Of an image.</param>
    /// <param name="width">Of an image.</param>
    /// <param name="precision">The number formats.</param>
    /// <param name="backend">Computes.</param>
    /// <param name="options">How the plan is made.</param>
    /// <param name="place">Puts <c>images</c> and <c>logits</c> into memory of a host, so that nothing is copied.</param>
    public static InferenceSession Create(ResNetSpec spec, int batch, int height, int width, Precision precision,
        IBackend backend, CompilerOptions options, Func<Arena, Value, Region?>? place = null)
    {
        CompiledInference compiled = CompiledInference.Of(spec, batch, height, width, precision, backend, options);
        compiled.RequireSpans();
        ExecutionPlan plan = ExecutionPlan.Load(compiled.Plan, backend, place: place);
        try
        {
            return new InferenceSession(compiled, plan, ownsPlan: true);
        }
        catch
        {
            plan.Dispose();
            throw;
        }
    }

    /// <summary>The parameters and running statistics that <see cref="LoadWeights"/> needs.</summary>
    public IEnumerable<Value> ExpectedWeights =>
        _network.Values.Where(value => value.Role is ValueRole.Parameter or ValueRole.State);

    /// <exception cref="ResNetException">The weights do not fit; the network keeps those that it had.</exception>
    public void LoadWeights(NetworkWeights weights)
    {
        weights.RequireMatch(ExpectedWeights);
        Dictionary<string, Value> byName = ExpectedWeights.ToDictionary(value => value.Name);
        double[] Source(string name) => weights.ValuesOf(name, byName[name].Shape);
        Dictionary<string, FoldedParameter> folds =
            _folded.Parameters.ToDictionary(parameter => parameter.Target);
        foreach (Value value in _folded.Graph.WithRole(ValueRole.Parameter))
            new HostAccess(_plan, value).Write(folds.TryGetValue(value.Name, out FoldedParameter? fold)
                ? FoldedValues.Compute(fold, Source)
                : Source(value.Name));
        Prepare();
    }

    /// <summary>Packs the weights that lie in the plan's memory.</summary>
    internal void Prepare() => _plan.Prepare();

    /// <summary>One batch, from host memory to host memory.</summary>
    /// <param name="images">NHWC, normalised.</param>
    /// <param name="logits">[N, Classes].</param>
    public void Run(ReadOnlySpan<float> images, Span<float> logits)
    {
        WriteImages(images);
        Run();
        ReadLogits(logits);
    }

    /// <summary>The most compact form of batches that are taken and normalised so; to be asked before.</summary>
    public BatchForm Accepts(IDataSet data, Normalization normalization) => UnderWay().Accepts(data, normalization);

    /// <summary>Begins to run a batch, which may change when this returns. Logits are collected in the order of their batches.</summary>
    /// <exception cref="InvalidOperationException">As many batches are pending as may be, or some of a session that shares this one's memory.</exception>
    public void Submit(Batch batch)
    {
        BatchesUnderWay underWay = UnderWay();
        Begin();
        underWay.Submit(batch);
    }

    /// <inheritdoc cref="Submit(Batch)"/>
    /// <param name="images">NHWC, normalised.</param>
    public void Submit(ReadOnlySpan<float> images)
    {
        BatchesUnderWay underWay = UnderWay();
        Begin();
        underWay.Submit(images);
    }

    /// <summary>Waits for the oldest pending batch.</summary>
    /// <param name="logits">[N, Classes].</param>
    public void Collect(Span<float> logits) => UnderWay().Collect(logits);

    /// <summary>Copies the images of the next <see cref="Run()"/>; they are gone when a batch is submitted before.</summary>
    public void WriteImages(ReadOnlySpan<float> images)
    {
        using StepTrace.SliceScope copy = StepTrace.Slice(_plan.Trace, TraceKind.CopyIn);
        _shared.IsWritten = true;
        _images.Write(images);
    }

    /// <inheritdoc cref="WriteImages(ReadOnlySpan{float})"/>
    public void WriteImages(ReadOnlySpan<double> images)
    {
        _shared.IsWritten = true;
        _images.Write(images);
    }

    /// <summary>Runs on the images that were written last.</summary>
    public void Run() => _plan.Run();

    public void ReadLogits(Span<float> logits) => _logits.Read(logits);

    public void ReadLogits(Span<double> logits) => _logits.Read(logits);

    public void Dispose()
    {
        _underWay?.Dispose();
        if (_ownsPlan)
            _plan.Dispose();
    }

    private BatchesUnderWay UnderWay() => _underWay ??= new BatchesUnderWay(_plan, _images.Value, _logits.Value);

    private void Begin()
    {
        if (_shared.Last is { PendingBatches: > 0 } other && other != this)
            throw new InvalidOperationException($"{other.PendingBatches} batches of a session that shares this one's memory are under way; collect them first.");
        // A copy of a batch must not pass one that was written for a run by itself.
        if (_shared.IsWritten)
            _plan.Synchronize();
        (_shared.Last, _shared.IsWritten) = (this, false);
    }
}
