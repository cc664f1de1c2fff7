using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli.Commands;

/// <summary>Writes the report of a run, or compares several.</summary>
internal sealed class ReportCommand(Terminal terminal)
{
    private const string ComparisonFile = "comparison.html";

    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description = "Folders that train or quickstart wrote, or their logs, packed by gzip or not; several are compared.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<string?> _out = Flag.Text("--out", "FILE.html",
        $"Receives the report (default: {RunFolder.ReportFile} in the run's folder; {ComparisonFile} for several).");

    public static Command Create(Terminal terminal)
    {
        ReportCommand report = new(terminal);
        Command command = new("report", "Show a run, finished or not, on one page; or compare several.");
        command.Add(report._runs);
        command.Add(report._out);
        command.SetAction(report.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string[] paths = parsed.GetValue(_runs)!;
        if (parsed.GetValue(_out) is { } given)
            OutputPaths.RequireFileIn(_out.Name, given);
        List<RunRecord> runs = [.. paths.Select(RunRecord.Read)];
        // Runs that are called alike are told apart by their paths.
        if (runs.Select(run => run.Name).Distinct().Count() < runs.Count)
            runs = [.. runs.Zip(paths, (run, path) => run with { Name = path })];
        foreach (RunRecord run in runs)
            foreach (string sentence in run.Missing)
                terminal.Output.WriteLine($"{run.Name}: {sentence}");
        string path = parsed.GetValue(_out) ?? (runs.Count > 1 ? ComparisonFile : BesideOf(paths[0]));
        if (runs.Count > 1)
            ComparisonReport.Write(path, runs);
        else
            HtmlReport.Write(path, RunReport.Of(runs[0]));
        terminal.Output.WriteLine($"wrote {path}");
        return CommandLine.Done;
    }

    private static string BesideOf(string run) => Directory.Exists(run)
        ? Path.Combine(run, RunFolder.ReportFile)
        : Path.ChangeExtension(run.EndsWith(".gz", StringComparison.Ordinal) ? run[..^".gz".Length] : run, ".html");
}
