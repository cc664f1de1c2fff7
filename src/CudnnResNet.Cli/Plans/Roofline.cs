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
        int backward = trace.Segments.Length;
        for (int i = trace.Segments.Length - 1; i >= 0; i--)
            if (trace.Segments[i].Nodes[0].Operation is SoftmaxCrossEntropyBackward or SigmoidCrossEntropyBackward)
                backward = i;
        List<Timed> all = [.. trace.Segments.Select((segment, i) => new Timed(
            segment, Latency.Of([.. times[i].DefaultIfEmpty(0)]).P50, i < backward, peaks?.Floor(segment.Problem)))];
        return new Roofline(
            Rows(all.GroupBy(timed => KindOf(timed.Segment))).OrderByDescending(row => row.Ms).ToList(),
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
        IsUpdate(timed.Segment) ? "update" : $"{timed.Segment.Nodes[0].Scope} {(timed.IsForward ? "forward" : "backward")}";

    private static bool IsUpdate(Segment segment) =>
        segment.Nodes[0].Operation is SgdUpdate or Blend or SquaredSum or ClipScale or TrustRatio;

    /// <summary>Named after the operation that takes most of a chain's time.</summary>
    private static string KindOf(Segment segment)
    {
        foreach (Node node in segment.Nodes)
            switch (node.Operation)
            {
                case ConvolutionForward { Geometry: var g }:
                    return $"{Window(g)} forward";
                case ConvolutionBackwardData { Geometry: var g }:
                    return $"{Window(g)} dgrad";
                case ConvolutionBackwardFilter { Geometry: var g }:
                    return $"{Window(g)} wgrad";
                case BatchNormTraining:
                    return "batch norm forward";
                case BatchNormBackward:
                    return "batch norm backward";
                case MaxPool or MaxPoolBackward or GlobalAveragePool or GlobalAveragePoolBackward:
                    return "pooling";
                case Linear or LinearBackwardData or LinearBackwardFilter:
                    return "linear";
            }
        return IsUpdate(segment) ? "update" : "pointwise and loss";
    }

    private static string Window(ConvolutionGeometry g) =>
        $"convolution {g.R}x{g.S}{(g.Stride == 1 ? "" : $" stride {g.Stride}")}";
}
