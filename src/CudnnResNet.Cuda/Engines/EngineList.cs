using CudnnResNet.Cuda.Interop;
using static CudnnResNet.Cuda.Interop.cudnnBackendAttributeName_t;
using static CudnnResNet.Cuda.Interop.cudnnBackendDescriptorType_t;

namespace CudnnResNet.Cuda.Engines;

/// <summary>What an engine must not do.</summary>
/// <param name="AllowsTensorCoreFloat32">Float32 may be rounded to TF32.</param>
/// <param name="RequiresDeterminism">Equal inputs give equal bits.</param>
/// <param name="WorkspaceLimitBytes">What it may ask for.</param>
internal sealed record EnginePolicy(bool AllowsTensorCoreFloat32, bool RequiresDeterminism, long WorkspaceLimitBytes);

/// <summary>
/// The engines that take a graph, best guess first: those of heuristics A and B by turns, then the fallback list.
/// A config becomes a plan when its rank is first asked for, because finalizing may compile code.
/// </summary>
internal sealed class EngineList : IDisposable
{
    private static readonly cudnnBackendHeurMode_t[] Ranked =
        [cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_A, cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_B];

    private readonly string _key;
    private readonly EngineFiles _files;
    private readonly Dictionary<int, EnginePlan?> _restored = [];
    private readonly OperationGraph _graph;
    private readonly CudnnHandle _handle;
    private readonly EnginePolicy _policy;
    private readonly Queue<EngineConfig> _untried = new();
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly List<EnginePlan> _plans = [];
    private readonly List<string> _refusals = [];
    private bool _isRanked;
    private bool _hasFallback;

    /// <summary>Takes ownership of <paramref name="graph"/>, which is finished.</summary>
    internal EngineList(string key, OperationGraph graph, CudnnHandle handle, EngineFiles files, EnginePolicy policy)
    {
        (_key, _files) = (key, files);
        _graph = graph;
        _handle = handle;
        _policy = policy;
    }

    private void Rank()
    {
        _isRanked = true;
        List<CudnnBackendDescriptor>[] proposals = [.. Ranked.Select(Ask)];
        for (int i = 0; i < proposals.Max(list => list.Count); i++)
            foreach (List<CudnnBackendDescriptor> list in proposals)
                if (i < list.Count)
                    Consider(list[i]);
    }

    internal IReadOnlyList<TensorBinding> Bindings => _graph.Bindings;

    /// <summary>Why configs were left out, in the order in which that came up.</summary>
    internal IReadOnlyList<string> Refusals => _refusals;

    /// <summary>The plan of a rank; null where fewer engines take the graph.</summary>
    internal EnginePlan? Plan(int rank)
    {
        if (Restored(rank) is { } restored)
            return restored;
        if (!_isRanked)
            Rank();
        while (_plans.Count <= rank)
        {
            if (_untried.Count == 0 && !_hasFallback)
            {
                _hasFallback = true;
                foreach (CudnnBackendDescriptor config in Ask(cudnnBackendHeurMode_t.CUDNN_HEUR_MODE_FALLBACK))
                    Consider(config);
            }
            if (!_untried.TryDequeue(out EngineConfig? next))
                return null;
            Finalize(next);
        }
        return _plans[rank];
    }

    /// <summary>The plan of a rank as an earlier process kept it, under the same policy; null where it must be asked for.</summary>
    private EnginePlan? Restored(int rank)
    {
        if (_restored.TryGetValue(rank, out EnginePlan? known))
            return known;
        EnginePlan? plan = null;
        if (_files.Find(FileKey, rank) is { } text)
        {
            try
            {
                plan = EnginePlan.Restore(text, _handle);
            }
            catch (CudnnException error)
            {
                _refusals.Add($"a kept plan: {error.Message}");
                _files.Forget(FileKey, rank);
            }
        }
        _restored.Add(rank, plan);
        return plan;
    }

    /// <summary>Keeps a plan that is in use.</summary>
    internal void Keep(EnginePlan plan)
    {
        int rank = _plans.IndexOf(plan);
        if (rank >= 0 && plan.ToText() is { } text)
            _files.Keep(FileKey, rank, text);
    }

    /// <summary>What a plan of a graph is kept under.</summary>
    internal static string FileKeyOf(string key, EnginePolicy policy) => $"{key} {policy}";

    private string FileKey => FileKeyOf(_key, _policy);

    public void Dispose()
    {
        foreach (EnginePlan? plan in _plans.Concat(_restored.Values))
            plan?.Dispose();
        foreach (EngineConfig config in _untried)
            config.Dispose();
        _graph.Dispose();
    }

    private List<CudnnBackendDescriptor> Ask(cudnnBackendHeurMode_t mode)
    {
        try
        {
            using CudnnBackendDescriptor heuristic = DescriptorAttributes.Create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
            heuristic.Set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, _graph.Descriptor!);
            heuristic.Set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
            heuristic.FinalizeDescriptor(mode.ToString());
            return [.. heuristic.GetDescriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)];
        }
        catch (CudnnException error)
        {
            _refusals.Add($"{mode}: {error.Message}");
            return [];
        }
    }

    private void Consider(CudnnBackendDescriptor proposal)
    {
        EngineConfig config;
        try
        {
            config = EngineConfig.Read(proposal);
        }
        catch (CudnnException error)
        {
            _refusals.Add(error.Message);
            return;
        }
        string? refusal = !_seen.Add(config.Tag) ? ""
            : _policy.RequiresDeterminism && config.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)
                ? "is not deterministic"
            : !_policy.AllowsTensorCoreFloat32 && (config.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_TENSOR_CORE)
                || config.Has(cudnnBackendNumericalNote_t.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS))
                ? "rounds float32 inputs"
            : null;
        if (refusal is null)
        {
            _untried.Enqueue(config);
            return;
        }
        if (refusal.Length > 0)
            _refusals.Add($"{config.Tag} {refusal}");
        config.Dispose();
    }

    private void Finalize(EngineConfig config)
    {
        EnginePlan? plan = null;
        try
        {
            plan = EnginePlan.Create(config, _handle);
            if (plan.WorkspaceBytes <= _policy.WorkspaceLimitBytes)
            {
                _plans.Add(plan);
                return;
            }
            _refusals.Add($"{config.Tag} wants {plan.WorkspaceBytes:N0} bytes of workspace, more than {_policy.WorkspaceLimitBytes:N0}");
            plan.Dispose();
        }
        catch (CudnnException error)
        {
            _refusals.Add($"{config.Tag}: {error.Message}");
            config.Dispose();
        }
    }
}
