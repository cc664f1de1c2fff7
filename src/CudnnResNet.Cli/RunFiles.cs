using CudnnResNet.Inference;
using CudnnResNet.Models;
using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>
/// Keeps beside the log of a run what its report needs. A run is worth more than its report: what cannot be written is
/// said on standard error, once, and the run goes on.
/// </summary>
internal sealed class RunFiles(string folder, RunSubject subject, Terminal terminal)
{
    private bool _hasFailed;

    public string Log => Path.Combine(folder, RunFolder.LogFile);

    public string Report => Path.Combine(folder, RunFolder.ReportFile);

    /// <summary>Describes the run before its first step; a new run leaves nothing of an older one in the folder.</summary>
    public void Begin(Trainer trainer, bool isResumed) => Try(() =>
    {
        if (!isResumed)
        {
            File.Delete(Path.Combine(folder, RunFolder.PredictionsFile));
            File.Delete(Report);
        }
        RunFolder.Write(folder, subject.Describe(trainer), RunSubject.DrawMemory(trainer));
    });

    /// <summary>Keeps the predictions of an evaluation instead of those of the one before.</summary>
    public void Keep(Evaluation evaluation, ResNetSpec spec) => Try(() =>
        RunFolder.Write(folder, RunPredictions.Of(evaluation, subject.Test!, spec.Classes)));

    /// <summary>Writes the report of what is there, into the run's folder or to another place.</summary>
    /// <returns>Whether it is written.</returns>
    public bool WriteReport(string? path = null) => Try(() => HtmlReport.Write(path ?? Report, RunReport.Of(RunRecord.Read(folder))));

    private bool Try(Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (Exception error) when (error is ResNetException or IOException or UnauthorizedAccessException)
        {
            if (!_hasFailed)
                terminal.Error.WriteLine($"report: {error.Message}");
            _hasFailed = true;
            return false;
        }
    }
}
