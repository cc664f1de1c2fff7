using System.CommandLine;
using CudnnResNet.Autodiff;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Tensors;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Flags;

internal enum AugmentKind
{
    None,
    Standard,
}

/// <summary>The flags of a training recipe.</summary>
internal sealed class RecipeFlags
{
    /// <summary>Crops move by up to an eighth of the image, as 4 of 32 pixels in the usual CIFAR recipe.</summary>
    private const int CropShare = 8;

    private readonly Option<int?> _batch = Flag.Whole("--batch", "Images of a step (default 64).");
    private readonly Option<int?> _epochs = Flag.Whole("--epochs", "Length in epochs (default 10).");
    private readonly Option<long?> _steps = Flag.Long("--steps", "Length in steps instead; wraps around the data.");
    private readonly ScheduleFlags _schedule = new();
    private readonly Option<double?> _momentum = Flag.Number("--momentum", "Of SGD (default 0.9).");
    private readonly Option<bool> _nesterov = Flag.Switch("--nesterov", "Nesterov's momentum.");
    private readonly Option<double?> _decay = Flag.Number("--weight-decay", "On every parameter (default 5e-4).");
    private readonly Option<bool> _noDecay = Flag.Switch("--no-decay-bn-bias", "No weight decay on batch norms and biases.");
    private readonly Option<double?> _smoothing = Flag.Number("--label-smoothing", "From 0 to less than 1 (default 0).");
    private readonly Option<bool> _zeroInit = Flag.Switch("--zero-init-last-bn",
        "Fresh weights begin with the last batch norm of each residual branch at zero.");
    private readonly Option<ulong?> _seed = Flag.Seed("--seed", "Of weights, order and augmentation (default 1).");
    private readonly Option<bool> _noShuffle = Flag.Switch("--no-shuffle", "Take the images in order.");
    private readonly Option<AugmentKind?> _augment = Flag.Choice("--augment",
        "standard: random crops and horizontal flips (default standard).",
        ("none", AugmentKind.None), ("standard", AugmentKind.Standard));

    public void AddTo(Command command)
    {
        command.Add(_batch);
        command.Add(_epochs);
        command.Add(_steps);
        _schedule.AddTo(command);
        command.Add(_momentum);
        command.Add(_nesterov);
        command.Add(_decay);
        command.Add(_noDecay);
        command.Add(_smoothing);
        command.Add(_zeroInit);
        command.Add(_seed);
        command.Add(_noShuffle);
        command.Add(_augment);
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
            Batch = parsed.GetValue(_batch) ?? 64,
            Epochs = parsed.GetValue(_epochs) ?? 10,
            Steps = parsed.GetValue(_steps),
            Optimizer = new SgdOptions(
                parsed.GetValue(_momentum) ?? 0.9, parsed.GetValue(_decay) ?? 5e-4, !parsed.GetValue(_noDecay))
            {
                Nesterov = parsed.GetValue(_nesterov),
            },
            LabelSmoothing = parsed.GetValue(_smoothing) ?? 0,
            ZeroInitLastBatchNorm = parsed.GetValue(_zeroInit),
            Seed = parsed.GetValue(_seed) ?? resumed?.Progress.Seed ?? 1,
            Shuffle = !parsed.GetValue(_noShuffle),
            Augmentation = parsed.GetValue(_augment) == AugmentKind.None ? Augmentation.None : StandardFor(train),
        });
        options.Validate();
        return options;
    }

    public static Augmentation StandardFor(IDataSet data) =>
        Augmentation.Standard(Math.Min(data.Height, data.Width) / CropShare);
}
