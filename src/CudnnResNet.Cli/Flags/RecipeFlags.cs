using System.CommandLine;
using CudnnResNet.Data;
using CudnnResNet.Graph;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Flags;

/// <summary>The flags of a training recipe.</summary>
internal sealed class RecipeFlags
{
    private readonly Option<BatchSize?> _batch = Flag.Batch(
        "Images of a step, or of each of its --accumulate passes; auto: as many as the GPU's memory holds (default 64).");
    private readonly Option<int?> _epochs = Flag.Whole("--epochs", "Length in epochs (default 10).");
    private readonly Option<long?> _steps = Flag.Long("--steps", "Length in steps instead; wraps around the data.");
    private readonly ScheduleFlags _schedule = new();
    private readonly OptimizerFlags _optimizer = new();
    private readonly Option<int?> _accumulate = Flag.Whole("--accumulate",
        "Batches of a step, whose mean gradient it takes: as a batch so many times as large, but for batch norm (default 1).");
    private readonly Option<double?> _smoothing = Flag.Number("--label-smoothing", "From 0 to less than 1 (default 0).");
    private readonly Option<bool> _frozenBatchNorm = Flag.Switch("--frozen-batch-norm",
        "Normalise by the running statistics that the weights came with, and leave these and the batch norms' parameters as they are.");
    private readonly Option<bool> _zeroInit = Flag.Switch("--zero-init-last-bn",
        "Fresh weights begin with the last batch norm of each residual branch at zero.");
    private readonly Option<int?> _evaluateEvery = Flag.Whole("--eval-every", "Epochs from one evaluation to the next (default 1).");
    private readonly Option<int?> _patience = Flag.Whole("--patience",
        "Stop when so many evaluations in a row were no better than the best before (default: never).");
    private readonly Option<ulong?> _seed = Flag.Seed("--seed", "Of weights, order and augmentation (default 1).");
    private readonly Option<bool> _noShuffle = Flag.Switch("--no-shuffle", "Take the images in order.");
    private readonly AugmentationFlags _augmentation = new();

    public void AddTo(Command command)
    {
        command.Add(_batch);
        command.Add(_epochs);
        command.Add(_steps);
        _schedule.AddTo(command);
        _optimizer.AddTo(command);
        command.Add(_accumulate);
        command.Add(_smoothing);
        command.Add(_frozenBatchNorm);
        command.Add(_zeroInit);
        command.Add(_evaluateEvery);
        command.Add(_patience);
        command.Add(_seed);
        command.Add(_noShuffle);
        _augmentation.AddTo(command);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="spec">The network.</param>
    /// <param name="precision">Of the device.</param>
    /// <param name="train">The training images.</param>
    /// <param name="resumed">The run that is continued.</param>
    public TrainingOptions Read(
        ParseResult parsed, ResNetSpec spec, Precision precision, IDataSet train, Checkpoint? resumed)
    {
        if (parsed.GetValue(_epochs) is not null && parsed.GetValue(_steps) is not null)
            throw new ResNetException("--epochs and --steps both give the length; give one of them");
        TrainingOptions options = _schedule.Apply(parsed, new TrainingOptions
        {
            Spec = spec,
            Precision = precision,
            // With auto, the device says once it is open: see BatchOn.
            Batch = parsed.GetValue(_batch) is { } batch ? batch.Images ?? 1 : 64,
            Epochs = parsed.GetValue(_epochs) ?? 10,
            Steps = parsed.GetValue(_steps),
            Optimizer = _optimizer.Read(parsed),
            Accumulate = parsed.GetValue(_accumulate) ?? 1,
            EvaluateEvery = parsed.GetValue(_evaluateEvery) ?? 1,
            Patience = parsed.GetValue(_patience),
            LabelSmoothing = parsed.GetValue(_smoothing) ?? 0,
            FrozenBatchNorm = parsed.GetValue(_frozenBatchNorm),
            ZeroInitLastBatchNorm = parsed.GetValue(_zeroInit),
            Seed = parsed.GetValue(_seed) ?? resumed?.Progress.Seed ?? 1,
            Shuffle = !parsed.GetValue(_noShuffle),
            Augmentation = _augmentation.Read(parsed, train),
        });
        options.Validate();
        return options;
    }

    /// <summary>The batch of a run on a device that is open.</summary>
    public int BatchOn(ParseResult parsed, Device device, TrainingOptions options, IDataSet train) =>
        parsed.GetValue(_batch) is { Images: null } auto
            ? auto.On(device, GraphsOf(device, options, train))
            : options.Batch;

    /// <summary>The graph of a step of the run, by batch.</summary>
    public static Func<int, LayerGraph> GraphsOf(Device device, TrainingOptions options, IDataSet train)
    {
        // Sizes that change are of squares; the largest decides what fits.
        int? size = options.ImageSizes.IsEmpty ? null : options.ImageSizes.Max(point => point.Size);
        return BatchSize.StepGraphs(options.Spec, size ?? train.Height, size ?? train.Width,
            new StepOptions(options.Optimizer, options.LabelSmoothing, Passes: options.Accumulate, FrozenBatchNorm: options.FrozenBatchNorm), device);
    }
}
