using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Compilation;

/// <summary>
/// Runs the kernels of a plan that may refuse to run, once each and on memory of their own: a refusal is found before a step has
/// changed anything, and before weights or a host's data are there to be changed.
/// </summary>
internal sealed class KernelTrials(IBackend backend, ArenaPool pool, PlanCache cache, CompilerOptions options)
{
    private readonly KernelTimer _timer = new(backend, pool);

    /// <summary>False where one refused; from then on it takes that problem no more.</summary>
    public bool AllRun(ScheduledGraph schedule)
    {
        if (!options.TriesKernels)
            return true;
        bool allRun = true;
        // The largest first: its memory serves all others.
        foreach (Segment segment in schedule.Segments
            .Where(segment => segment.Kernel.MayRefuseToRun && !segment.Kernel.WasTried(segment.Problem))
            .DistinctBy(segment => (segment.Kernel, segment.Problem.Line))
            .OrderByDescending(segment => KernelTimer.TrialBytes(segment.Kernel, segment.Problem)))
        {
            if (_timer.Try(segment.Kernel, segment.Problem))
                continue;
            allRun = false;
            // What was measured by an earlier process holds no more.
            if (options.Tune)
                cache.Add(segment.Kernel.Name, segment.Problem.Line, double.PositiveInfinity);
        }
        return allRun;
    }
}
