using CudnnResNet.Cuda.Interop;
using CudnnResNet.Cuda.Kernels;
using CudnnResNet.Tensors;

namespace CudnnResNet.Cuda.Engines;

/// <summary>The engines of every graph that was asked for, by problem line; asked of cuDNN once.</summary>
internal sealed class EngineCatalog(CudaSession session, EngineFiles files) : IDisposable
{
    private readonly Dictionary<string, (EngineList? Engines, string? Refusal)> _known = new(StringComparer.Ordinal);

    /// <summary>The plan of a rank, or the reason why there is none.</summary>
    /// <param name="key">The same for equal graphs.</param>
    /// <param name="rank">0 for the best guess.</param>
    /// <param name="type">Of the factors: float32 may have to stay float32.</param>
    /// <param name="build">Adds tensors and operations.</param>
    /// <param name="plan">Null where there is a reason.</param>
    internal string? Find(string key, int rank, DataType type, Action<OperationGraph> build, out EnginePlan? plan)
    {
        plan = null;
        if (!_known.TryGetValue(key, out (EngineList? Engines, string? Refusal) known))
            _known.Add(key, known = Ask(key, type, build));
        if (known.Engines is not { } engines)
            return known.Refusal;
        plan = engines.Plan(rank);
        return plan is not null ? null
            : engines.Refusals.Count > 0 ? $"cuDNN has no further engine ({engines.Refusals[^1]})"
            : "cuDNN has no further engine";
    }

    /// <summary>An earlier run kept the plan of a rank.</summary>
    internal bool IsKept(string key, int rank, DataType type) => files.Has(EngineList.FileKeyOf(key, PolicyFor(type)), rank);

    /// <summary>Keeps a plan of a graph on disk, because a network runs on it.</summary>
    internal void Keep(string key, EnginePlan plan) => _known[key].Engines!.Keep(plan);

    /// <summary>What the tensors of a graph that a plan was found for are bound to.</summary>
    internal IReadOnlyList<TensorBinding> Bindings(string key) => _known[key].Engines!.Bindings;

    public void Dispose()
    {
        foreach ((EngineList? engines, _) in _known.Values)
            engines?.Dispose();
        _known.Clear();
    }

    private (EngineList?, string?) Ask(string key, DataType type, Action<OperationGraph> build)
    {
        using Device.ContextScope scope = session.Device.Enter();
        OperationGraph graph = new();
        try
        {
            build(graph);
            graph.Finish(session.Cudnn);
            return (new EngineList(key, graph, session.Cudnn, files, PolicyFor(type)), null);
        }
        catch (CudnnException error)
        {
            graph.Dispose();
            return (null, error.Message);
        }
    }

    private EnginePolicy PolicyFor(DataType type) => new(session.Options.AllowTf32 || type != DataType.Float32,
        session.Options.IsDeterministic, session.Options.WorkspaceLimitBytes);
}
