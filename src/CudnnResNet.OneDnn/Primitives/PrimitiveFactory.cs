using System.Runtime.CompilerServices;
using CudnnResNet.OneDnn.Interop;

namespace CudnnResNet.OneDnn.Primitives;

/// <summary>
/// oneDNN's engine and stream, and everything compiled on them: plans are kept by kernel and problem line, so equal
/// problems share their primitives.
/// </summary>
internal sealed class PrimitiveFactory : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, object> _plans = [];
    private readonly List<CompiledPrimitive> _primitives = [];
    private readonly DnnlEngine _engine;
    private readonly DnnlStream _stream;

    internal PrimitiveFactory(ThreadTeam team)
    {
        Team = team;
        Dnnl.dnnl_engine_create(out _engine, dnnl_engine_kind_t.dnnl_cpu, 0).ThrowIfFailed();
        Dnnl.dnnl_stream_create(out _stream, _engine, dnnl_stream_flags_t.dnnl_stream_default_flags).ThrowIfFailed();
    }

    internal ThreadTeam Team { get; }

    internal DnnlEngine Engine => _engine;

    internal DnnlStream Stream => _stream;

    internal void Wait() => Dnnl.dnnl_stream_wait(_stream).ThrowIfFailed();

    /// <summary>The plan of a kernel for a problem, made on first use.</summary>
    internal TPlan Plan<TPlan>(string kernel, string line, Func<TPlan> create) where TPlan : class
    {
        lock (_gate)
        {
            string key = $"{kernel}: {line}";
            if (!_plans.TryGetValue(key, out object? plan))
                _plans.Add(key, plan = create());
            return (TPlan)plan;
        }
    }

    /// <summary>
    /// For a primitive about to be described, which oneDNN tailors to the team's size. Scratchpads are the caller's, so
    /// that they can be booked in a workspace.
    /// </summary>
    internal DnnlAttributes CreateAttributes()
    {
        Team.Enter();
        Dnnl.dnnl_primitive_attr_create(out DnnlAttributes attributes).ThrowIfFailed();
        Dnnl.dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_t.dnnl_scratchpad_mode_user)
            .ThrowIfFailed();
        return attributes;
    }

    /// <summary>Null where oneDNN has no implementation.</summary>
    /// <param name="status">What the call that made <paramref name="created"/> returned.</param>
    /// <param name="created">The primitive's descriptor.</param>
    /// <param name="call">The call, for the message of a failure.</param>
    internal CompiledPrimitive? Keep(dnnl_status_t status, DnnlPrimitiveDescriptor created,
        [CallerArgumentExpression(nameof(status))] string call = "")
    {
        if (status == dnnl_status_t.dnnl_unimplemented)
            return null;
        status.ThrowIfFailed(call);
        CompiledPrimitive primitive = new(created);
        _primitives.Add(primitive);
        return primitive;
    }

    /// <summary>Null where oneDNN has no implementation.</summary>
    internal CompiledPrimitive? TryCompileReorder(DnnlMemoryDescriptor from, DnnlMemoryDescriptor to)
    {
        using DnnlAttributes attributes = CreateAttributes();
        return Keep(Dnnl.dnnl_reorder_primitive_desc_create(
            out DnnlPrimitiveDescriptor created, from, Engine, to, Engine, attributes), created);
    }

    internal CompiledPrimitive CompileReorder(DnnlMemoryDescriptor from, DnnlMemoryDescriptor to) =>
        TryCompileReorder(from, to)
            ?? throw new DnnlException("dnnl_reorder_primitive_desc_create", dnnl_status_t.dnnl_unimplemented);

    public void Dispose()
    {
        foreach (CompiledPrimitive primitive in _primitives)
            primitive.Dispose();
        _primitives.Clear();
        _plans.Clear();
        _stream.Dispose();
        _engine.Dispose();
    }
}
