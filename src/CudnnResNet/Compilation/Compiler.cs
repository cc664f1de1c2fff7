using System.Collections.Immutable;
using System.Diagnostics;
using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Memory;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Compilation;

/// <summary>How a graph is compiled.</summary>
public sealed record CompilerOptions
{
    /// <summary>Choose by measurement; false takes the catalog's order, so that every run gets the same plan.</summary>
    public bool Tune { get; init; } = true;

    /// <summary>Where measured times are kept; null keeps none.</summary>
    public string? PlanCacheFolder { get; init; } = PlanCache.DefaultFolder;

    /// <summary>
    /// A plan that was chosen by measurement is kept in <see cref="PlanCacheFolder"/> and taken again, without asking about
    /// alternatives, whenever the same graph is compiled for the same backend.
    /// </summary>
    public bool KeepsPlans { get; init; }

    /// <summary>
    /// Kernels that may refuse to run are run once before a plan has them; false where the plan is asked for its memory alone.
    /// </summary>
    public bool TriesKernels { get; init; } = true;

    /// <summary>Weights stay as they are between runs, so that kernels may repack them once: inference.</summary>
    public bool ConstantWeights { get; init; }

    /// <summary>
    /// What a training plan may take. Where keeping everything for the backward pass takes more, some of it is freed
    /// and computed again; null keeps everything.
    /// </summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>
    /// Plans of an earlier run: a graph that one of them was made for gets it again, without measuring, if its kernels are
    /// still there and it fits the memory.
    /// </summary>
    public ImmutableArray<PlanRecord> Recorded { get; init; } = [];
}

/// <summary>
/// From a graph to a plan that can be loaded. The stages, in order: the graph is cut into segments and each gets a
/// kernel (<see cref="FusedPathScheduler"/>), everything gets a place in memory (<see cref="MemoryPlanner"/>), and the
/// best plan is replayed beside the one without fusions, because segments timed alone do not see each other's effect on the
/// caches.
/// </summary>
public static class Compiler
{
    private const int Replays = 3;

    /// <summary>Plans that take milliseconds are replayed until single disturbances no longer decide.</summary>
    private static readonly TimeSpan ReplayBudget = TimeSpan.FromMilliseconds(300);

    private const int MostReplays = 20;

    /// <summary>The unfused plan must be this much faster to be preferred: a difference below is noise.</summary>
    private const double Margin = 1.03;

    /// <summary>A plan's time over the sum of its kernels', beyond which other processes are to blame for the difference.</summary>
    private const double Plausible = 1.25;

    /// <exception cref="ResNetException">No plan fits the memory limit, or the last kernel for a node refused to run.</exception>
    public static CompiledGraph Compile(LayerGraph graph, IBackend backend, CompilerOptions options)
    {
        long start = Stopwatch.GetTimestamp();
        PlanCache cache = PlanCache.Open(options.PlanCacheFolder, backend.Identity);
        using ArenaPool pool = new(backend);
        GraphVerifier.Verify(graph);
        string fingerprint = PlanRecord.FingerprintOf(graph, options.ConstantWeights);
        PlanFiles? kept = options is { KeepsPlans: true, Tune: true, PlanCacheFolder: { } folder } ? new PlanFiles(folder, backend.Identity) : null;
        CompiledGraph? plan;
        int measurements = 0, disturbed = 0;
        // Each turn without a plan leaves a kernel less: what it refused to run the others are asked.
        try
        {
            do
                plan = Choose(graph, fingerprint, kept, backend, pool, cache, options, ref measurements, ref disturbed);
            while (plan is null);
        }
        finally
        {
            cache.Save();
        }
        return plan with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds, Measurements = measurements, DisturbedMeasurements = disturbed };
    }

    /// <summary>Null where a kernel of the plan refused to run.</summary>
    private static CompiledGraph? Choose(LayerGraph graph, string fingerprint, PlanFiles? kept, IBackend backend, ArenaPool pool,
        PlanCache cache, CompilerOptions options, ref int measurements, ref int disturbed)
    {
        KernelTrials trials = new(backend, pool, cache, options);
        if ((Recorded(graph, fingerprint, backend, options)
            ?? Recorded(graph, kept?.Find(fingerprint, options.MemoryLimitBytes), backend, options)) is { } recorded)
            return trials.AllRun(recorded.Schedule) ? recorded : null;
        KernelSelector selector = new(backend, cache, options.Tune ? pool : null);
        KernelSelector sparing = new(backend, cache, options.Tune ? pool : null, sparesMemory: true);
        int runs = backend.RunsUnderWay;
        CompiledGraph needed = PlanWithin(graph, selector, sparing, options, runs);
        CompiledGraph best = WithPrologues(graph, needed, selector, options, runs);
        CompiledGraph? unfused = options.Tune
            ? Plan(needed.Graph, selector, options, runs, isFusing: false) with { Freed = needed.Freed }
            : null;
        measurements += selector.Measurements + sparing.Measurements;
        disturbed += selector.DisturbedMeasurements + sparing.DisturbedMeasurements;
        if (unfused?.Memory.PeakBytes > (options.MemoryLimitBytes ?? long.MaxValue))
            unfused = null;
        if (!trials.AllRun(best.Schedule) || (unfused is not null && !trials.AllRun(unfused.Schedule)))
            return null;
        if (unfused is not null)
            best = Fastest(best, unfused, backend, pool, cache, ref disturbed);
        PlanRecord record = PlanRecord.Of(fingerprint, best.Freed, best.Schedule);
        if (disturbed == 0)
            kept?.Keep(record, options.MemoryLimitBytes);
        return best with { Record = record };
    }

    private static CompiledGraph? Recorded(
        LayerGraph graph, string fingerprint, IBackend backend, CompilerOptions options) =>
        Recorded(graph, options.Recorded.FirstOrDefault(record => record.Graph == fingerprint), backend, options);

    private static CompiledGraph? Recorded(LayerGraph graph, PlanRecord? record, IBackend backend, CompilerOptions options)
    {
        if (record is null
            || (!record.Freed.IsEmpty && !record.Freed.All(Rematerialisation.Candidates(graph).Select(id => id.Index).Contains)))
            return null;
        ImmutableArray<ValueId> freed = [.. record.Freed.Select(id => new ValueId(id))];
        LayerGraph whole = freed.IsEmpty ? graph : Rematerialisation.Apply(graph, [.. freed]);
        if (record.Rebuild(whole, backend.Kernels, options.ConstantWeights) is not { } schedule)
            return null;
        CompiledGraph plan = new(whole, schedule, MemoryPlanner.Plan(schedule, backend.RunsUnderWay), Seconds: 0, Measurements: 0)
        {
            Asked = new Dictionary<string, AskedProblem>(),
            Freed = freed,
            Record = record,
        };
        return plan.Memory.PeakBytes <= (options.MemoryLimitBytes ?? long.MaxValue) ? plan : null;
    }

    /// <summary>
    /// The plan that frees the least and fits. Candidates are freed by their measured price, the cheapest byte first.
    /// Peaks do not add up, so each try is planned to the end. Where freeing is not enough, kernels are chosen that need
    /// the least memory of their own.
    /// </summary>
    /// <exception cref="ResNetException">Even the plan that frees everything it may does not fit.</exception>
    private static CompiledGraph PlanWithin(
        LayerGraph graph, KernelSelector selector, KernelSelector sparing, CompilerOptions options, int runs)
    {
        CompiledGraph everythingKept = Plan(graph, selector, options, runs, isFusing: true);
        if (options.MemoryLimitBytes is not { } limit || everythingKept.Memory.PeakBytes <= limit)
            return everythingKept;
        ImmutableArray<ValueId> candidates = RecomputationOrder.CheapestFirst(graph, selector);
        CompiledGraph Free(int count, KernelSelector? by = null) => Plan(
            Rematerialisation.Apply(graph, [.. candidates.Take(count)]), by ?? selector, options, runs, isFusing: true) with
        {
            Freed = [.. candidates.Take(count)],
        };

        (int tooFew, int enough) = (0, candidates.Length);
        CompiledGraph best = Free(enough);
        if (best.Memory.PeakBytes > limit && Free(enough, sparing) is { } small && small.Memory.PeakBytes < best.Memory.PeakBytes)
        {
            if (small.Memory.PeakBytes <= limit)
                return small;
            best = small;
        }
        if (best.Memory.PeakBytes > limit)
            throw new ResNetException($"The plan needs {InMiB(best.Memory.PeakBytes)} at least "
                + $"({InMiB(everythingKept.Memory.PeakBytes)} without recomputation), more than the limit of {InMiB(limit)}; "
                + "use a smaller batch or a higher limit.");
        while (enough - tooFew > 1)
        {
            int middle = (tooFew + enough) / 2;
            CompiledGraph plan = Free(middle);
            if (plan.Memory.PeakBytes <= limit)
                (enough, best) = (middle, plan);
            else
                tooFew = middle;
        }
        return best;
    }

    private static string InMiB(long bytes) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / (1024.0 * 1024):0.#} MiB");

    /// <summary>
    /// The plan in which further activations are made by those who read them, where kernels do that on the way and the
    /// whole becomes cheaper, or as cheap in less memory: all that alike kernels read, or none.
    /// </summary>
    private static CompiledGraph WithPrologues(
        LayerGraph graph, CompiledGraph kept, KernelSelector selector, CompilerOptions options, int runs)
    {
        CompiledGraph best = kept;
        ImmutableArray<ImmutableArray<ValueId>> groups = MadeWhereRead.Groups(graph, kept.Freed, selector, options.ConstantWeights);
        if (groups.IsEmpty)
            return best;
        Try(groups.SelectMany(group => group));
        foreach (ImmutableArray<ValueId> group in groups)
            Try(best.Freed.Contains(group[0]) ? best.Freed.Except(group) : best.Freed.Concat(group));
        return best;

        void Try(IEnumerable<ValueId> made)
        {
            ImmutableArray<ValueId> freed = [.. made.Union(kept.Freed).OrderBy(id => id.Index)];
            CompiledGraph plan = Plan(Rematerialisation.Apply(graph, [.. freed]), selector, options, runs, isFusing: true) with { Freed = freed };
            bool isBetter = plan.Schedule.Cost < best.Schedule.Cost
                || (plan.Schedule.Cost == best.Schedule.Cost && plan.Memory.PeakBytes < best.Memory.PeakBytes);
            if (isBetter && plan.Memory.PeakBytes <= (options.MemoryLimitBytes ?? long.MaxValue))
                best = plan;
        }
    }

    private static CompiledGraph Plan(
        LayerGraph graph, KernelSelector selector, CompilerOptions options, int runs, bool isFusing)
    {
        ScheduledGraph schedule = FusedPathScheduler.Schedule(graph, selector, options.ConstantWeights, isFusing);
        return new CompiledGraph(graph, schedule, MemoryPlanner.Plan(schedule, runs), Seconds: 0, Measurements: 0)
        {
            Asked = selector.Asked,
        };
    }

    private static CompiledGraph Fastest(
        CompiledGraph fused, CompiledGraph unfused, IBackend backend, ArenaPool pool, PlanCache cache, ref int disturbed)
    {
        if (fused.Schedule.Segments.Length == unfused.Schedule.Segments.Length)
            return fused;
        KernelTime together = ReplayTime(fused, backend, pool, cache, disturbed == 0);
        KernelTime apart = ReplayTime(unfused, backend, pool, cache, disturbed == 0);
        disturbed += (together.IsDisturbed ? 1 : 0) + (apart.IsDisturbed ? 1 : 0);
        return together.Microseconds <= Margin * apart.Microseconds ? fused : unfused;
    }

    /// <summary>The least of some runs. A long one is hardly ever left alone: it was disturbed if it also took far longer than its kernels.</summary>
    private static KernelTime ReplayTime(CompiledGraph plan, IBackend backend, ArenaPool pool, PlanCache cache, bool isLasting)
    {
        const string Kernel = "whole plan";
        string key = PlanText.Fingerprint(plan.Schedule);
        if (cache.Find(Kernel, key) is { } known)
            return new KernelTime(known);
        using ExecutionPlan loaded = ExecutionPlan.Load(plan, backend, pool);
        loaded.Prepare();
        loaded.Run();
        double best = double.PositiveInfinity;
        bool isInterrupted = false;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Replays || (i < MostReplays && Stopwatch.GetElapsedTime(start) < ReplayBudget); i++)
        {
            long interruptions = backend.Interruptions;
            long begin = Stopwatch.GetTimestamp();
            loaded.Run();
            double time = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            if (time < best)
                (best, isInterrupted) = (time, backend.Interruptions != interruptions);
        }
        bool isDisturbed = isInterrupted && best > Plausible * plan.Schedule.Cost;
        cache.Add(Kernel, key, Math.Max(best, 0.01), isLasting && !isDisturbed);
        return new KernelTime(best, isDisturbed);
    }
}
