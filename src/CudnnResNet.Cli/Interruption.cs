using System.Runtime.InteropServices;

namespace CudnnResNet.Cli;

/// <summary>
/// While it lives, Ctrl-C and SIGTERM ask a run to stop at a good place; a second one of either stops the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>Never disposed: a signal may be on its way to <see cref="Handle"/> when the run ends, and there is no timer to stop.</summary>
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
    ];

    public CancellationToken Token => _source.Token;

    /// <summary>What a run that was stopped by the signal exits with: 128 and the signal's number, as shells have it.</summary>
    public int ExitCode { get; private set; } = CommandLine.Interrupted;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        int exitCode = context.Signal == PosixSignal.SIGTERM ? CommandLine.Terminated : CommandLine.Interrupted;
        if (_source.IsCancellationRequested)
            Environment.Exit(exitCode);
        ExitCode = exitCode;
        _source.Cancel();
    }
}
