using System.Diagnostics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Execution;

/// <summary>
/// A compiled graph bound to memory: a flat list of loaded kernels. A run calls them in order; it allocates nothing,
/// managed or native, and copies nothing.
/// </summary>
public sealed class ExecutionPlan : IDisposable
{
    private readonly IBackend _backend;
    private readonly ArenaPool? _pool;
    private readonly bool _ownsArena;
    private readonly LoadedKernel[] _kernels;
    private readonly Region[] _regions;
    private StepTrace? _trace;
    private int _firstTraced;
    private LoadedKernel? _recording;
    private bool _hasRun;
    private bool _isRecorded;

    private ExecutionPlan(CompiledGraph compiled, IBackend backend, ArenaPool? pool, bool ownsArena, Arena arena,
        LoadedKernel[] kernels, Region[] regions)
    {
        Compiled = compiled;
        _ownsArena = ownsArena;
        _backend = backend;
        _pool = pool;
        Arena = arena;
        _kernels = kernels;
        _regions = regions;
    }

    public CompiledGraph Compiled { get; }

    /// <summary>Records the kernels of the runs it asks for; null records nothing and costs nothing.</summary>
    public StepTrace? Trace
    {
        get => _trace;
        set
        {
            _firstTraced = value?.Attach(Compiled) ?? 0;
            _trace = value;
        }
    }

    /// <summary>Everything that the plan uses lies here; the plan owns it, rents it from a pool, or borrows it.</summary>
    public Arena Arena { get; }

    /// <summary>Loads the kernels of <paramref name="compiled"/> into memory of its own, or rented.</summary>
    /// <param name="compiled">What to load.</param>
    /// <param name="backend">The backend that it was compiled for.</param>
    /// <param name="pool">Where to rent; without a pool the arena has exactly the planned size.</param>
    /// <param name="place">Puts an input or an output elsewhere than planned, into memory of a host; null leaves it.</param>
    public static ExecutionPlan Load(
        CompiledGraph compiled, IBackend backend, ArenaPool? pool = null, Func<Arena, Value, Region?>? place = null)
    {
        MemoryPlan memory = compiled.Memory;
        Arena arena = pool?.Rent(memory.PeakBytes, clearBytes: memory.PersistentBytes)
            ?? backend.Allocate(memory.PeakBytes);
        try
        {
            return Bind(compiled, memory, backend, pool, ownsArena: true, arena, place);
        }
        catch
        {
            Release(arena, pool);
            throw;
        }
    }

    /// <summary>
    /// Loads the kernels of <paramref name="compiled"/> into an arena of the caller's. Plans whose lasting values are
    /// the same, in the same order, share these; they must not run at the same time.
    /// </summary>
    /// <param name="compiled">What to load.</param>
    /// <param name="backend">The backend that it was compiled for.</param>
    /// <param name="arena">At least the planned size; it must outlive the plan.</param>
    /// <param name="memory">Where everything lies in an arena that others share; null is as the plan says.</param>
    public static ExecutionPlan LoadInto(Arena arena, CompiledGraph compiled, IBackend backend, MemoryPlan? memory = null) =>
        Bind(compiled, memory ?? compiled.Memory, backend, pool: null, ownsArena: false, arena);

    private static ExecutionPlan Bind(
        CompiledGraph compiled, MemoryPlan memory, IBackend backend, ArenaPool? pool, bool ownsArena, Arena arena,
        Func<Arena, Value, Region?>? place = null)
    {
        Region[] regions = new Region[compiled.Graph.Values.Length];
        foreach ((ValueId id, Region region) in memory.Persistent)
            regions[id.Index] = region;
        foreach (Allocation allocation in memory.Transient)
            foreach (ValueId id in allocation.Values)
                regions[id.Index] = Transient(memory, allocation.Region) with { Bytes = compiled.Graph[id].Bytes };
        if (place is not null)
            foreach (Value value in compiled.Graph.Values)
                if ((value.Role == ValueRole.Input || compiled.Graph.Outputs.Contains(value.Id)) && place(arena, value) is { } chosen)
                    regions[value.Id.Index] = chosen.Bytes == value.Bytes
                        ? chosen
                        : throw new ArgumentException($"'{value.Name}' has {value.Bytes} bytes, its place {chosen.Bytes}.", nameof(place));

        LoadedKernel[] kernels = new LoadedKernel[compiled.Schedule.Segments.Length];
        try
        {
            int end;
            for (int step = 0; step < kernels.Length; step = end)
            {
                end = SegmentGroups.EndOf(compiled.Schedule.Segments, step);
                if (end == step + 1)
                {
                    Segment segment = compiled.Schedule.Segments[step];
                    kernels[step] = segment.Kernel.Load(segment.Problem, ArgumentsOf(step));
                }
                else
                    SegmentGroups.Load(compiled.Schedule.Segments, step, end, ArgumentsOf, kernels);
            }
        }
        catch
        {
            foreach (LoadedKernel? kernel in kernels)
                kernel?.Dispose();
            throw;
        }
        return new ExecutionPlan(compiled, backend, pool, ownsArena, arena, kernels, regions);

        KernelArguments ArgumentsOf(int step) => new(arena,
            [.. compiled.Schedule.Segments[step].Bound.GraphValues.Select(id => regions[id.Index])],
            Transient(memory, memory.Workspace[step]), memory.Packed[step]);
    }

    /// <summary>Where a value lies in <see cref="Arena"/>.</summary>
    public Region RegionOf(ValueId id) => _regions[id.Index];

    internal ByteInput? CreateByteInput(Value images, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift) =>
        _backend.CreateByteInput(Arena, RegionOf(images.Id), images.Shape, images.Type, scale, shift);

    /// <summary>Repacks constant weights; to be called after weights were written.</summary>
    public void Prepare()
    {
        foreach (LoadedKernel kernel in _kernels)
            kernel.Prepare();
        _backend.Synchronize();
    }

    /// <summary>
    /// One run of the graph; returns when it is done. The first calls the kernels one by one; from the second on a
    /// recording is replayed, where the backend makes one.
    /// </summary>
    public void Run()
    {
        if (_trace is { IsRecording: true } trace)
        {
            RunTraced(trace);
            return;
        }
        if (_hasRun && !_isRecorded)
        {
            _recording = _backend.Record(_kernels);
            _isRecorded = true;
        }
        if (_recording is { } recording)
            recording.Run();
        else
            foreach (LoadedKernel kernel in _kernels)
                kernel.Run();
        _hasRun = true;
        _backend.Synchronize();
    }

    private void RunTraced(StepTrace trace)
    {
        for (int step = 0; step < _kernels.Length; step++)
        {
            long begin = Stopwatch.GetTimestamp();
            _kernels[step].Run();
            _backend.Synchronize();
            trace.Add(TraceKind.Kernel, begin, _firstTraced + step);
        }
        _hasRun = true;
    }

    public void Dispose()
    {
        _recording?.Dispose();
        foreach (LoadedKernel kernel in _kernels)
            kernel.Dispose();
        if (_ownsArena)
            Release(Arena, _pool);
    }

    private static void Release(Arena arena, ArenaPool? pool)
    {
        if (pool is null)
            arena.Dispose();
        else
            pool.Return(arena);
    }

    private static Region Transient(MemoryPlan memory, Region region) =>
        region with { OffsetBytes = memory.PersistentBytes + region.OffsetBytes };
}
