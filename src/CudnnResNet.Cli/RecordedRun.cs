using CudnnResNet.Cli.Progress;
using CudnnResNet.Cli.TensorBoard;
using CudnnResNet.Inference;
using CudnnResNet.Reporting;
using CudnnResNet.Training;
using CudnnResNet.Weights;

namespace CudnnResNet.Cli;

/// <summary>A training run with its display, its logs, and an orderly end at Ctrl-C.</summary>
internal sealed class RecordedRun : IDisposable
{
    private readonly List<RunLogWriter> _logs = [];

    /// <summary>Receives the run for TensorBoard; null for none. The run disposes it.</summary>
    public EventFile? Events { get; init; }

    /// <summary>Writes the first step's gradients here.</summary>
    public string? GradientFile { get; init; }

    /// <summary>Is told of every step, on the training thread.</summary>
    public Action<StepRecord>? OnStep { get; init; }

    /// <summary>Is told of every evaluation, on the training thread.</summary>
    public Action<Evaluation>? OnEvaluation { get; init; }

    /// <summary>What a run that a signal stopped exits with.</summary>
    public int InterruptedCode { get; private set; } = CommandLine.Interrupted;

    public void AddLog(RunLogWriter log) => _logs.Add(log);

    public TrainingResult Run(Trainer trainer, RunHeader header, Terminal terminal)
    {
        // Before anything is written: whoever sees the log may send a signal.
        using Interruption interruption = new();
        foreach (RunLogWriter log in _logs)
            log.Write(header);
        Events?.Write(header);
        TrainingDisplay display = TrainingDisplay.For(terminal, () => trainer.TotalSteps);
        TrainingObserver observer = new()
        {
            OnStep = step =>
            {
                foreach (RunLogWriter log in _logs)
                    log.Write(step);
                Events?.Write(step);
                OnStep?.Invoke(step);
                display.OnStep(step);
            },
            OnEpoch = epoch =>
            {
                foreach (RunLogWriter log in _logs)
                    log.Write(epoch);
                Events?.Write(epoch);
                display.OnEpoch(epoch);
            },
            OnEvaluation = OnEvaluation,
            OnFirstGradients = WriteGradients,
            OnSaving = () =>
            {
                foreach (RunLogWriter log in _logs)
                    log.FlushToDisk();
            },
        };
        TrainingResult result = display.Show(() => trainer.Run(observer, interruption.Token));
        InterruptedCode = interruption.ExitCode;
        return result;
    }

    public void Dispose()
    {
        foreach (RunLogWriter log in _logs)
            log.Dispose();
        Events?.Dispose();
    }

    private void WriteGradients(IReadOnlyList<NamedTensor> gradients)
    {
        if (GradientFile is { } path)
            Safetensors.Write(path, gradients);
    }
}
