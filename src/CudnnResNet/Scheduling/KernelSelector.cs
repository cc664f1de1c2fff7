using System.Collections.Immutable;
using CudnnResNet.Kernels;

namespace CudnnResNet.Scheduling;

/// <summary>The best kernel for a problem, and everything that was asked.</summary>
/// <param name="Kernel">The choice; null where every kernel refused.</param>
/// <param name="Cost">Microseconds, or 1 without measurements.</param>
/// <param name="Candidates">The kernels that accepted.</param>
public sealed record Selection(Kernel? Kernel, double Cost, ImmutableArray<KernelCandidate> Candidates);

/// <summary>A problem that was put to the catalog, and the answer.</summary>
public sealed record AskedProblem(Problem Problem, Selection Selection);

/// <summary>A kernel's refusal of a problem, for printing.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Reason">In its words.</param>
/// <param name="IsAtRun">It had accepted the problem.</param>
public sealed record Refusal(string Kernel, string Reason, bool IsAtRun = false);

/// <summary>
/// Chooses a kernel for a problem: the fastest measured, or, with tuning off, the first in catalog order. Equal
/// problems are asked and measured once.
/// </summary>
/// <param name="backend">Whose catalog is asked.</param>
/// <param name="cache">Known times; new ones are added.</param>
/// <param name="pool">Memory for measurements; null takes the first kernel of the catalog and measures nothing.</param>
/// <param name="sparesMemory">Prefer the least workspace and packed weights to the least time.</param>
public sealed class KernelSelector(IBackend backend, PlanCache cache, ArenaPool? pool, bool sparesMemory = false)
{
    private readonly KernelTimer? _timer = pool is null ? null : new KernelTimer(backend, pool);
    private readonly Dictionary<string, AskedProblem> _asked = new(StringComparer.Ordinal);

    /// <summary>How many times were measured and not found in the cache.</summary>
    public int Measurements { get; private set; }

    /// <summary>How many of them other processes disturbed: those times are not kept.</summary>
    public int DisturbedMeasurements { get; private set; }

    /// <summary>Everything that was asked so far.</summary>
    public IReadOnlyDictionary<string, AskedProblem> Asked => _asked;

    public Selection Select(Problem problem)
    {
        if (_asked.TryGetValue(problem.Line, out AskedProblem? known))
            return known.Selection;
        Selection selection = Choose(problem);
        _asked.Add(problem.Line, new AskedProblem(problem, selection));
        return selection;
    }

    /// <summary>Who refuses a problem, and why.</summary>
    public IEnumerable<Refusal> Refusals(Problem problem)
    {
        foreach (Kernel kernel in backend.Kernels)
            if (kernel.Accepts(problem) is { IsSupported: false } no)
                yield return new Refusal(kernel.Name, no.Refusal!, kernel.RefusalToRun(problem) is not null);
    }

    private Selection Choose(Problem problem)
    {
        List<Kernel> accepting = [.. backend.Kernels.Where(kernel => IsAccepting(kernel, problem))];
        while (accepting.Count > 0)
        {
            long least = sparesMemory ? accepting.Min(kernel => ExtraBytes(kernel, problem)) : long.MaxValue;
            List<Kernel> asked = [.. accepting.Where(kernel => !sparesMemory || ExtraBytes(kernel, problem) == least)];
            if (_timer is null)
                return new Selection(asked[0], 1, [.. asked.Select(kernel => new KernelCandidate(kernel, null))]);
            ImmutableArray<KernelCandidate> timed = Time(asked, problem);
            if (timed.MinBy(candidate => candidate.Microseconds) is { } best)
                return new Selection(best.Kernel, best.Microseconds!.Value, timed);
            accepting.RemoveAll(asked.Contains);
        }
        return new Selection(null, double.PositiveInfinity, []);
    }

    /// <summary>Infinite times are those of kernels that refused to run, in this process or in an earlier one.</summary>
    private bool IsAccepting(Kernel kernel, Problem problem)
    {
        if (cache.Find(kernel.Name, problem.Line) is double.PositiveInfinity && kernel.RefusalToRun(problem) is null)
            kernel.KeepTrial(problem, "it did in an earlier run");
        return kernel.Accepts(problem).IsSupported;
    }

    private static long ExtraBytes(Kernel kernel, Problem problem) => kernel.WorkspaceBytes(problem) + kernel.PackedBytes(problem);

    /// <summary>The kernels that run. All times of a problem are taken in one go, so that they compare.</summary>
    private ImmutableArray<KernelCandidate> Time(List<Kernel> kernels, Problem problem)
    {
        if (kernels.Any(kernel => cache.Find(kernel.Name, problem.Line) is null))
        {
            KernelTime[] times = _timer!.Measure(kernels, problem);
            int disturbed = times.Count(time => time.IsDisturbed);
            for (int i = 0; i < times.Length; i++)
                cache.Add(kernels[i].Name, problem.Line, times[i].Microseconds,
                    isLasting: disturbed == 0 || double.IsInfinity(times[i].Microseconds));
            Measurements += times.Length;
            DisturbedMeasurements += disturbed;
        }
        return [.. kernels.Select(kernel => new KernelCandidate(kernel, cache.Find(kernel.Name, problem.Line)))
            .Where(candidate => double.IsFinite(candidate.Microseconds!.Value))];
    }
}
