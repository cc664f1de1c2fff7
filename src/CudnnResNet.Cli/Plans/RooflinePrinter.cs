using CudnnResNet.Kernels;

namespace CudnnResNet.Cli.Plans;

/// <summary>A roofline for people.</summary>
internal static class RooflinePrinter
{
    public static void Write(Roofline roofline, MachinePeaks? peaks, TextWriter output)
    {
        output.WriteLine(peaks is null
            ? "roofline     this device's peaks are not measured: times alone"
            : $"roofline     at most {peaks.OperationsPerSecond / 1e9:F0} GFLOP/s and {peaks.BytesPerSecond / 1e9:F1} GB/s, measured here");
        output.WriteLine();
        Write("work", roofline.Kinds, roofline.Total, output);
        output.WriteLine();
        Write("block", roofline.Blocks, roofline.Total, output);
    }

    private static void Write(string heading, IEnumerable<RooflineRow> rows, RooflineRow total, TextWriter output)
    {
        TextTable table = new(heading, ">kernels", ">ms", ">share", ">MB", ">GB/s", ">GFLOP", ">GFLOP/s", ">floor ms", ">floor/time");
        foreach (RooflineRow row in rows.Append(total))
            table.Add(row.Work, $"{row.Kernels}", $"{row.Ms:F2}", $"{row.Ms / total.Ms:P1}", $"{row.Bytes / 1e6:F1}",
                $"{row.Bytes / row.Ms / 1e6:F1}", $"{row.Operations / 1e9:F2}", $"{row.Operations / row.Ms / 1e6:F0}",
                row.FloorMs is { } floor ? $"{floor:F2}" : "-", row.FloorMs is { } least ? $"{least / row.Ms:P0}" : "-");
        table.WriteTo(output);
    }
}
