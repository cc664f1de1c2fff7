using CudnnResNet.Reporting;

namespace CudnnResNet.Cli.Plans;

/// <summary>A plan for people: blocks that are planned alike are shown once.</summary>
internal sealed class PlanPrinter(TextWriter output)
{
    public void Write(PlanReport report, string network, IReadOnlyList<NamedValue> memory)
    {
        output.WriteLine($"network  {network}");
        output.WriteLine($"work     {report.Mode}, batch {report.Batch}, images of {report.ImageSize} x {report.ImageSize}, {report.Precision}, {report.Device} with {report.Threads} threads");
        output.WriteLine($"plan     {report.Kernels} kernels for {report.Nodes} nodes, {Time(report.Microseconds)}; "
            + $"made in {report.PlanSeconds:F2} s with {report.Measurements} new measurements");
        if (DisturbanceText.Of(report.DisturbedMeasurements) is { } disturbance)
            output.WriteLine($"         {disturbance}");
        output.WriteLine();
        WriteBlocks(report.Blocks);
        WriteRefusals(report.Refusals);
        output.WriteLine("memory");
        foreach (NamedValue figure in memory)
            output.WriteLine($"  {figure.Value,10}  {figure.Name}");
        output.WriteLine();
        output.WriteLine($"wrote {report.Svg}");
    }

    private void WriteBlocks(IReadOnlyList<BlockReport> blocks)
    {
        Dictionary<string, string> shown = [];
        foreach (BlockReport block in blocks)
        {
            string title = $"{block.Block} {block.Pass}";
            string choices = string.Join('\n', block.Segments.Select(segment => $"{segment.Kernel}\t{segment.Problem}"));
            if (shown.TryGetValue(choices, out string? same))
            {
                output.WriteLine($"{title,-24} {Time(block.Microseconds),10}  as {same}");
                continue;
            }
            shown.Add(choices, title);
            output.WriteLine($"{title,-24} {Time(block.Microseconds),10}");
            foreach (IGrouping<(string, string), SegmentReport> equal in block.Segments.GroupBy(segment => (segment.Kernel, segment.Problem)))
                WriteSegment(equal.First(), equal.Count());
        }
        output.WriteLine();
    }

    private void WriteSegment(SegmentReport segment, int count)
    {
        string times = count > 1 ? $" ({count} times)" : "";
        output.WriteLine($"  {Time(segment.Microseconds),10}  {segment.Kernel,-26} {segment.Problem}{times}");
        List<string> others = [.. segment.Others.Select(other =>
            other.Microseconds is { } microseconds ? $"{other.Kernel} {Time(microseconds)}" : other.Kernel)];
        if (segment.ApartMicroseconds is { } apart)
            others.Insert(0, $"node by node {Time(apart)}");
        if (others.Count > 0)
            output.WriteLine($"{"",14}instead of {string.Join(", ", others)}");
    }

    private void WriteRefusals(IReadOnlyList<RefusalReport> refusals)
    {
        if (refusals.Count == 0)
            return;
        output.WriteLine("refused");
        foreach (RefusalReport refusal in refusals)
            output.WriteLine($"  {refusal.Kernel}: {refusal.Reason}: {refusal.Problems} chain{(refusal.Problems == 1 ? "" : "s")}, as {refusal.Example}");
        output.WriteLine();
    }

    private static string Time(double? microseconds) => microseconds switch
    {
        null => "not timed",
        >= 1e6 => $"{microseconds / 1e6:F2} s",
        >= 1e3 => $"{microseconds / 1e3:F2} ms",
        _ => $"{microseconds:F1} us",
    };
}
