using CudnnResNet.Execution;
using CudnnResNet.Graph;
using CudnnResNet.Kernels;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Cli.Plans;

/// <summary>Some kernels of a step together.</summary>
/// <param name="Work">What they have in common: a kind of work, or a block and a pass.</param>
/// <param name="Bytes">What must pass through memory if nothing stays in a cache: <see cref="ProblemWork.Bytes"/>.</param>
/// <param name="Operations">Additions and multiplications by definition, however few a method takes.</param>
/// <param name="FloorMs">
/// The sum of what each kernel takes at least at the machine's peaks, by definition: operands that are found in a cache
/// and methods that need fewer operations go below it. Null where the peaks are not known.
/// </param>
internal sealed record RooflineRow(string Work, int Kernels, double Ms, long Bytes, long Operations, double? FloorMs);

/// <summary>What the time of a step goes to, beside what it would take at the machine's peaks.</summary>
internal sealed record Roofline(IReadOnlyList<RooflineRow> Kinds, IReadOnlyList<RooflineRow> Blocks, RooflineRow Total)
{
    /// <summary>A kernel's time is the median of those steps of the trace that are over.</summary>
    public static Roofline Of(StepTrace trace, MachinePeaks? peaks)
    {
        List<double>[] times = [.. trace.Segments.Select(_ => new List<double>())];
        foreach (TraceSlice slice in trace.Slices())
            if (slice.Kind == TraceKind.Kernel)
                times[slice.Segment].Add(System.Diagnostics.Stopwatch.GetElapsedTime(slice.Begin, slice.End).TotalMilliseconds);
        int backward = StepPhases.FirstBackward(trace.Segments);
        List<Timed> all = [.. trace.Segments.Select((segment, i) => new Timed(
            segment, Latency.Of([.. times[i].DefaultIfEmpty(0)]).P50, i < backward, peaks?.Floor(segment.Problem)))];
        return new Roofline(
            Rows(all.GroupBy(timed => KindOf(timed.Segment.Problem))).OrderByDescending(row => row.Ms).ToList(),
            Rows(all.GroupBy(BlockOf)).ToList(),
            Row("all", all));
    }

    private sealed record Timed(Segment Segment, double Ms, bool IsForward, double? Floor);

    private static IEnumerable<RooflineRow> Rows(IEnumerable<IGrouping<string, Timed>> groups) =>
        groups.Select(group => Row(group.Key, [.. group]));

    private static RooflineRow Row(string work, List<Timed> kernels) => new(work, kernels.Count,
        kernels.Sum(timed => timed.Ms),
        kernels.Sum(timed => ProblemWork.Bytes(timed.Segment.Problem)),
        kernels.Sum(timed => ProblemWork.FloatingPointOperations(timed.Segment.Problem)),
        kernels.All(timed => timed.Floor is not null) ? 1000 * kernels.Sum(timed => timed.Floor) : null);

    private static string BlockOf(Timed timed) =>
        StepPhases.IsUpdate(timed.Segment.Nodes[0].Operation) ? "update" : $"{timed.Segment.Nodes[0].Scope} {(timed.IsForward ? "forward" : "backward")}";

    /// <summary>A chain is named after its first convolution; where it has none, after its first batch norm; then after what else it has.</summary>
    internal static string KindOf(Problem problem)
    {
        return First(Convolution) ?? First(Norm) ?? First(Other) ?? (StepPhases.IsUpdate(problem.Operations[0]) ? "update" : "pointwise and loss");

        string? First(Func<Operation, string?> kind) =>
            problem.Operations.Select(kind).FirstOrDefault(name => name is not null);
    }

    private static string? Convolution(Operation operation) => operation switch
    {
        ConvolutionForward { Geometry: var g } => $"{Window(g)} forward",
        ConvolutionBackwardData { Geometry: var g } => $"{Window(g)} dgrad",
        ConvolutionBackwardFilter { Geometry: var g } => $"{Window(g)} wgrad",
        _ => null,
    };

    private static string? Norm(Operation operation) => operation switch
    {
        BatchNormTraining => "batch norm forward",
        BatchNormBackward => "batch norm backward",
        _ => null,
    };

    private static string? Other(Operation operation) => operation switch
    {
        MaxPool or MaxPoolBackward or GlobalAveragePool or GlobalAveragePoolBackward => "pooling",
        Linear or LinearBackwardData or LinearBackwardFilter => "linear",
        _ => null,
    };

    private static string Window(ConvolutionGeometry g) =>
        $"convolution {g.R}x{g.S}{(g.Stride == 1 ? "" : $" stride {g.Stride}")}";
}
