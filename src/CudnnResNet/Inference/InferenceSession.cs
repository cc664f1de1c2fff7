using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Weights;

namespace CudnnResNet.Inference;

/// <summary>A network that serves batches of a fixed size: running statistics folded, weights packed once.</summary>
public sealed class InferenceSession : IDisposable
{
    private readonly LayerGraph _network;
    private readonly FoldedGraph _folded;
    private readonly ExecutionPlan _plan;
    private readonly HostAccess _images;
    private readonly HostAccess _logits;
    private readonly bool _ownsPlan;
    private readonly BatchInput _input;

    internal InferenceSession(CompiledInference compiled, ExecutionPlan plan, bool ownsPlan)
    {
        (Spec, _network, _folded) = (compiled.Spec, compiled.Network, compiled.Folded);
        (_plan, _ownsPlan) = (plan, ownsPlan);
        _images = new HostAccess(plan, _folded.Graph.Find(ResNetGraph.Images));
        _input = new BatchInput(_images);
        _logits = new HostAccess(plan, _folded.Graph.Find(ResNetGraph.Logits));
    }

    public ResNetSpec Spec { get; }

    public int Batch => _images.Value.Shape.N;

    /// <summary>Float32 elements of one batch of images, NHWC.</summary>
    public int ImageElements => _images.Value.Shape.SpanLength();

    /// <summary>Elements of one batch of logits, [N, Classes].</summary>
    public int LogitElements => _logits.Value.Shape.SpanLength();

    public CompiledGraph Compiled => _plan.Compiled;

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

    /// <summary>One batch, from host memory to host memory.</summary>
    public void Run(Batch batch, Span<float> logits)
    {
        using (StepTrace.Slice(_plan.Trace, TraceKind.CopyIn))
            _input.Write(batch);
        Run();
        ReadLogits(logits);
    }

    /// <summary>The most compact form of batches that <see cref="Run(Batch, Span{float})"/> takes and normalises so; to be asked before.</summary>
    public BatchForm Accepts(IDataSet data, Normalization normalization) => _input.Accepts(data, normalization);

    public void WriteImages(ReadOnlySpan<float> images)
    {
        using StepTrace.SliceScope copy = StepTrace.Slice(_plan.Trace, TraceKind.CopyIn);
        _images.Write(images);
    }

    public void WriteImages(ReadOnlySpan<double> images) => _images.Write(images);

    /// <summary>Runs on the images that were written last.</summary>
    public void Run() => _plan.Run();

    public void ReadLogits(Span<float> logits) => _logits.Read(logits);

    public void ReadLogits(Span<double> logits) => _logits.Read(logits);

    public void Dispose()
    {
        _input.Dispose();
        if (_ownsPlan)
            _plan.Dispose();
    }
}
