using System.Collections.Immutable;
using System.Diagnostics;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Execution;

/// <summary>What a slice of a <see cref="StepTrace"/> is.</summary>
public enum TraceKind
{
    /// <summary>A whole step, as its thread sees it; everything that the thread does in it lies inside.</summary>
    Step,

    /// <summary>One kernel of the plan; <see cref="TraceSlice.Segment"/> says which.</summary>
    Kernel,

    /// <summary>Getting a batch: waiting for the loader's thread, or reading it.</summary>
    LoadBatch,

    /// <summary>Making a batch, in the loader's thread.</summary>
    MakeBatch,

    /// <summary>Copying a batch into the plan's memory.</summary>
    CopyIn,

    Evaluate,
    Save,
}

/// <summary>A stretch of time of one thread.</summary>
/// <param name="Kind">What it did.</param>
/// <param name="Segment">Of the plan's schedule; 0 for what is no kernel.</param>
/// <param name="Step">The step in progress, from 1.</param>
/// <param name="Thread">Its managed id.</param>
/// <param name="Begin">A <see cref="Stopwatch"/> timestamp.</param>
/// <param name="End">The same.</param>
public readonly record struct TraceSlice(TraceKind Kind, int Segment, long Step, int Thread, long Begin, long End);

/// <summary>
/// Records where the time of some steps goes, in memory that is taken once; when it is full, the newest slices replace
/// the oldest. While it records, every kernel is waited for, so that its slice is its own time. Any thread may record.
/// </summary>
/// <param name="firstStep">The first step to record, from 1; the steps before it warm up.</param>
/// <param name="stepCount">How many are recorded.</param>
/// <param name="stepsBefore">Steps of a run that is continued: its next one has the number behind them.</param>
public sealed class StepTrace(long firstStep, long stepCount, long stepsBefore = 0)
{
    private const int OthersPerStep = 32;
    private const int FewestSlices = 1 << 14;
    private const int MostSlices = 1 << 20;

    private readonly object _gate = new();
    private readonly Dictionary<int, string?> _threads = new(capacity: 64);
    private TraceSlice[] _ring = [];
    private long _added;
    private long _step = stepsBefore;
    private long _stepBegin;
    private volatile bool _isRecording;

    /// <summary>A step that is to be recorded is in progress.</summary>
    public bool IsRecording => _isRecording;

    /// <summary>All steps were recorded.</summary>
    public bool IsComplete => !_isRecording && _step >= firstStep + stepCount - 1;

    /// <summary>Slices that newer ones replaced.</summary>
    public long Lost => Math.Max(0, _added - _ring.Length);

    /// <summary>The kernels of the plan, in the order in which they run; of several plans, one after the other.</summary>
    public ImmutableArray<Segment> Segments { get; private set; } = [];

    /// <summary>Names of the threads that recorded; null for one that has none.</summary>
    public IReadOnlyDictionary<int, string?> Threads => _threads;

    /// <summary>Counts a step, and records it where it is one of those asked for. Nothing happens without a trace.</summary>
    public static StepScope Step(StepTrace? trace)
    {
        trace?.BeginStep();
        return new StepScope(trace);
    }

    /// <summary>Records what happens until the scope ends, where a step is being recorded.</summary>
    public static SliceScope Slice(StepTrace? trace, TraceKind kind) =>
        trace is { IsRecording: true } ? new SliceScope(trace, kind) : default;

    /// <summary>What was recorded, by the order in which slices ended.</summary>
    public ImmutableArray<TraceSlice> Slices()
    {
        lock (_gate)
        {
            ImmutableArray<TraceSlice>.Builder slices = ImmutableArray.CreateBuilder<TraceSlice>();
            for (long i = Math.Max(0, _added - _ring.Length); i < _added; i++)
                slices.Add(_ring[i % _ring.Length]);
            return slices.ToImmutable();
        }
    }

    /// <summary>Takes the memory for the slices of a plan, beside those of plans before it.</summary>
    /// <returns>Where its kernels begin in <see cref="Segments"/>.</returns>
    internal int Attach(CompiledGraph compiled)
    {
        int first = Segments.Length;
        Segments = [.. Segments, .. compiled.Schedule.Segments];
        long slices = Math.Min(stepCount, MostSlices) * (Segments.Length + OthersPerStep);
        _ring = new TraceSlice[Math.Clamp(slices, FewestSlices, MostSlices)];
        return first;
    }

    internal void Add(TraceKind kind, long begin, int segment = 0)
    {
        long end = Stopwatch.GetTimestamp();
        int thread = Environment.CurrentManagedThreadId;
        lock (_gate)
        {
            // The loader's thread may end a slice after the last step.
            if (!_isRecording || _ring.Length == 0)
                return;
            _threads.TryAdd(thread, Thread.CurrentThread.Name);
            _ring[_added++ % _ring.Length] = new TraceSlice(kind, segment, _step, thread, begin, end);
        }
    }

    private void BeginStep()
    {
        lock (_gate)
        {
            _step++;
            _isRecording = _step >= firstStep && _step - firstStep < stepCount;
            _stepBegin = Stopwatch.GetTimestamp();
        }
    }

    private void EndStep()
    {
        Add(TraceKind.Step, _stepBegin);
        _isRecording = false;
    }

    /// <summary>The time of a step.</summary>
    public readonly ref struct StepScope
    {
        private readonly StepTrace? _trace;

        internal StepScope(StepTrace? trace) => _trace = trace;

        public void Dispose() => _trace?.EndStep();
    }

    /// <summary>The time of a slice.</summary>
    public readonly ref struct SliceScope
    {
        private readonly StepTrace? _trace;
        private readonly TraceKind _kind;
        private readonly long _begin;

        internal SliceScope(StepTrace trace, TraceKind kind) =>
            (_trace, _kind, _begin) = (trace, kind, Stopwatch.GetTimestamp());

        public void Dispose() => _trace?.Add(_kind, _begin);
    }
}
