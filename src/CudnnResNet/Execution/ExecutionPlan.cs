using System.Diagnostics;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;

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
    private readonly Region[] _regions;
    private readonly MemoryPlan _memory;

    // One for each run that may be under way: the first, and those of BindFurtherRuns.
    private BoundKernels[] _bound;
    private StepTrace? _trace;
    private int _firstTraced;

    private ExecutionPlan(CompiledGraph compiled, MemoryPlan memory, IBackend backend, ArenaPool? pool, bool ownsArena, Arena arena,
        BoundKernels kernels, Region[] regions)
    {
        Compiled = compiled;
        _ownsArena = ownsArena;
        _backend = backend;
        _memory = memory;
        _pool = pool;
        Arena = arena;
        _bound = [kernels];
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
                regions[id.Index] = memory.InArena(allocation.Region) with { Bytes = compiled.Graph[id].Bytes };
        if (place is not null)
            foreach (Value value in compiled.Graph.Values)
                if ((value.Role == ValueRole.Input || compiled.Graph.Outputs.Contains(value.Id)) && place(arena, value) is { } chosen)
                    regions[value.Id.Index] = chosen.Bytes == value.Bytes
                        ? chosen
                        : throw new ArgumentException($"'{value.Name}' has {value.Bytes} bytes, its place {chosen.Bytes}.", nameof(place));
        return new ExecutionPlan(compiled, memory, backend, pool, ownsArena, arena, BoundKernels.Load(compiled, memory, arena, regions), regions);
    }

    /// <summary>
    /// Loads the kernels that read inputs once more for each run that may be under way beside the first; a run of a
    /// <see cref="RunQueue"/> takes those of its slot. Once is enough.
    /// </summary>
    public void BindFurtherRuns()
    {
        for (int run = _bound.Length; run < MostSlots; run++)
        {
            Region[] regions = [.. _regions];
            foreach ((ValueId id, Region region) in _memory.FurtherInputs[run - 1])
                regions[id.Index] = region;
            _bound = [.. _bound, BoundKernels.Load(Compiled, _memory, Arena, regions, _bound[0])];
        }
    }

    /// <summary>Where a value lies in <see cref="Arena"/>.</summary>
    public Region RegionOf(ValueId id) => _regions[id.Index];

    /// <summary>Runs that may be under way at once, once <see cref="BindFurtherRuns"/> was called.</summary>
    public int MostSlots => 1 + _memory.FurtherInputs.Length;

    /// <summary>Where the run of a slot reads an input.</summary>
    public Region InputOf(ValueId id, int slot) => slot == 0 ? _regions[id.Index] : _memory.FurtherInputs[slot - 1][id];

    /// <summary>A queue for runs of this plan, and of others that lay out their inputs alike.</summary>
    internal RunQueue CreateQueue(ReadOnlySpan<Region> results) => _backend.CreateQueue(Arena, _bound.Length,
        [.. Compiled.Graph.WithRole(ValueRole.Input).Select(value => RegionOf(value.Id))], results);

    internal ByteInput? CreateByteInput(
        Value images, Region region, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift, RunQueue? queue) =>
        _backend.CreateByteInput(Arena, region, images.Shape, images.Type, scale, shift, queue);

    /// <summary>Repacks constant weights; to be called after weights were written.</summary>
    public void Prepare()
    {
        foreach (LoadedKernel kernel in _bound[0].Kernels)
            kernel.Prepare();
        _backend.Synchronize();
    }

    /// <summary>
    /// One run of the graph; returns when it is done. The first calls the kernels one by one; from the second on a
    /// recording is replayed, where the backend makes one.
    /// </summary>
    public void Run()
    {
        Enqueue(slot: 0);
        _backend.Synchronize();
    }

    /// <summary>Blocks until everything that the backend was given has run.</summary>
    public void Synchronize() => _backend.Synchronize();

    /// <summary>Gives the device one run behind those that it has: the one whose inputs were given to <paramref name="queue"/>.</summary>
    /// <param name="queue">Of this plan's arena.</param>
    /// <param name="slot">The one that is open in it.</param>
    /// <param name="results">What is read when the run is awaited.</param>
    public void Run(RunQueue queue, int slot, ReadOnlySpan<Region> results)
    {
        queue.Start();
        Enqueue(slot);
        queue.Finish(results);
    }

    private void Enqueue(int slot)
    {
        if (_trace is { IsRecording: true } trace)
            RunTraced(trace, _bound[slot]);
        else
            _bound[slot].Run(_backend);
    }

    private void RunTraced(StepTrace trace, BoundKernels bound)
    {
        // What waits for input or still runs is no part of the first kernel.
        _backend.Synchronize();
        for (int step = 0; step < bound.Kernels.Length; step++)
        {
            long begin = Stopwatch.GetTimestamp();
            bound.Kernels[step].Run();
            _backend.Synchronize();
            trace.Add(TraceKind.Kernel, begin, _firstTraced + step);
        }
        bound.HasRun = true;
    }

    public void Dispose()
    {
        foreach (BoundKernels bound in _bound.Reverse())
            bound.Dispose();
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
}
