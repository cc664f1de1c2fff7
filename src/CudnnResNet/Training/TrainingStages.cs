using CudnnResNet.Data;
using CudnnResNet.Execution;

namespace CudnnResNet.Training;

/// <summary>A stretch of a run in which images have one size.</summary>
/// <param name="FirstStep">Of the stage, from 0.</param>
/// <param name="Session">Takes its steps.</param>
/// <param name="Data">The training images in its size.</param>
internal sealed record TrainingStage(long FirstStep, TrainingSession Session, IDataSet Data);

/// <summary>
/// The batches of a run whose images change their size. The sequence of samples knows nothing of sizes: a stage's loader goes
/// on where the one before stopped, and so does that of a run that is resumed.
/// </summary>
internal sealed class StagedBatches(IReadOnlyList<TrainingStage> stages, LoaderOptions options, StepTrace? trace) : IDisposable
{
    private BatchLoader? _loader;
    private TrainingStage? _stage;

    /// <summary>The batch of a step and the session that takes it. It is valid until the next call.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="position">Where the sequence goes on; read where a stage begins.</param>
    public (Batch Batch, TrainingSession Session) Next(long step, LoaderPosition position)
    {
        TrainingStage stage = StageOf(stages, step);
        if (stage != _stage)
        {
            _loader?.Dispose();
            _loader = new BatchLoader(stage.Data, options, position, trace);
            _stage = stage;
        }
        return (_loader!.Next(), stage.Session);
    }

    public static TrainingStage StageOf(IReadOnlyList<TrainingStage> stages, long step)
    {
        int last = stages.Count - 1;
        while (stages[last].FirstStep > step)
            last--;
        return stages[last];
    }

    public void Dispose() => _loader?.Dispose();
}
