using CudnnResNet.Cli.Flags;
using CudnnResNet.Execution;
using CudnnResNet.Reporting;

namespace CudnnResNet.Cli;

/// <summary>A trace of some steps and the file it goes to.</summary>
internal sealed class Profile(string path, StepRange steps, StepTrace trace, string title, Terminal terminal)
{
    private bool _isWritten;

    public StepTrace Trace => trace;

    /// <summary>Writes the file as soon as its steps are over: a long run need not be waited for.</summary>
    public void WriteOnceComplete()
    {
        if (!_isWritten && trace.IsComplete)
            Write();
    }

    /// <summary>Writes what there is of a run that is over.</summary>
    public void Finish()
    {
        if (_isWritten)
            return;
        if (trace.Slices().IsEmpty)
            terminal.Error.WriteLine($"profile: nothing is traced, the run ended before step {steps.First}; --profile-steps asks for earlier ones");
        else
            Write();
    }

    private void Write()
    {
        _isWritten = true;
        try
        {
            ChromeTrace.Write(path, trace, title);
        }
        catch (ResNetException error)
        {
            // A run is worth more than its trace.
            terminal.Error.WriteLine($"profile: {error.Message}");
            return;
        }
        if (trace.Lost > 0)
            terminal.Error.WriteLine($"profile: {trace.Lost} slices were too many and are left out, the oldest; --profile-steps can ask for fewer steps");
    }
}
