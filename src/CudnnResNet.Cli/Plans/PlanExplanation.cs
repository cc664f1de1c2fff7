using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Cli.Plans;

/// <summary>Reads off a compiled graph what was chosen, block by block, and what else there was.</summary>
internal sealed class PlanExplanation(CompiledGraph compiled, IBackend backend, bool isMeasured)
{
    private const string Update = "update";

    public IReadOnlyList<BlockReport> Blocks()
    {
        int backward = StepPhases.FirstBackward(compiled.Schedule.Segments);
        List<(string Block, string Pass, List<SegmentReport> Segments)> blocks = [];
        List<SegmentReport> updates = [];
        for (int step = 0; step < compiled.Schedule.Segments.Length; step++)
        {
            Segment segment = compiled.Schedule.Segments[step];
            if (StepPhases.IsUpdate(segment.Nodes[0].Operation))
            {
                updates.Add(Report(segment));
                continue;
            }
            (string block, string pass) = (segment.Nodes[0].Scope, step < backward ? "forward" : "backward");
            if (blocks.Count == 0 || blocks[^1].Block != block || blocks[^1].Pass != pass)
                blocks.Add((block, pass, []));
            blocks[^1].Segments.Add(Report(segment));
        }
        if (updates.Count > 0)
            blocks.Add(("all", Update, updates));
        return [.. blocks.Select(block => new BlockReport(block.Block, block.Pass, Sum(block.Segments), block.Segments))];
    }

    /// <summary>
    /// The refusals that say something: of kernels that take other chains with the same first operation. Those of kernels
    /// for another operation altogether are left out. And all of kernels that had accepted and then refused to run.
    /// </summary>
    public IReadOnlyList<RefusalReport> Refusals()
    {
        KernelSelector selector = new(backend, PlanCache.Open(null, backend.Identity), pool: null);
        HashSet<(string Kernel, Type Head)> takers = [];
        foreach (AskedProblem asked in compiled.Asked.Values)
            foreach (KernelCandidate candidate in asked.Selection.Candidates)
                takers.Add((candidate.Kernel.Name, HeadOf(asked.Problem)));
        return [.. compiled.Asked.Values
            .SelectMany(asked => selector.Refusals(asked.Problem).Select(refusal => (asked.Problem, Refusal: refusal)))
            .Where(pair => pair.Refusal.IsAtRun || takers.Contains((pair.Refusal.Kernel, HeadOf(pair.Problem))))
            .GroupBy(pair => pair.Refusal)
            .Select(group => new RefusalReport(group.Key.Kernel, group.Key.Reason, group.Count(),
                group.MinBy(pair => pair.Problem.Line.Length).Problem.Line))
            .OrderBy(refusal => refusal.Kernel, StringComparer.Ordinal)
            .ThenByDescending(refusal => refusal.Problems)];
    }

    private static Type HeadOf(Problem problem) => problem.Operations[0].GetType();

    private double? Sum(IEnumerable<SegmentReport> segments) =>
        isMeasured ? segments.Sum(segment => segment.Microseconds) : null;

    private SegmentReport Report(Segment segment) => new(
        segment.Problem.Line, segment.Kernel.Name, isMeasured ? segment.Cost : null, Apart(segment),
        [.. segment.Candidates.Where(candidate => candidate.Kernel != segment.Kernel)
            .Select(candidate => new CandidateReport(candidate.Kernel.Name, candidate.Microseconds))]);

    private double? Apart(Segment segment)
    {
        if (!isMeasured || segment.Nodes.Length == 1)
            return null;
        double sum = 0;
        foreach (Node node in segment.Nodes)
        {
            Problem alone = ProblemExtraction.Extract(
                compiled.Graph, [node], isNeeded: _ => true, segment.Problem.ConstantWeights).Problem;
            if (!compiled.Asked.TryGetValue(alone.Line, out AskedProblem? asked) || asked.Selection.Kernel is null)
                return null;
            sum += asked.Selection.Cost;
        }
        return sum;
    }
}
