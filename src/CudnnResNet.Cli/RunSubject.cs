using CudnnResNet.Cli.Plans;
using CudnnResNet.Data;
using CudnnResNet.Reporting;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>What a run trains on, and with.</summary>
internal sealed record RunSubject(IDataSet Train, IDataSet? Test, Device Device)
{
    /// <param name="trainer">Before its first step.</param>
    /// <param name="command">Repeats the run.</param>
    public RunHeader Header(Trainer trainer, string command) =>
        new(DateTimeOffset.Now, OptionsOf(trainer.Options, trainer.TotalSteps), Device.Libraries)
        {
            Machine = Machine.Describe(),
            Command = command,
        };

    public RunDescription Describe(Trainer trainer) => new(
        $"{ModelText.Name(trainer.Options.Spec)} on {Train.Name}", ModelText.Describe(trainer.Options.Spec), Device.Description,
        Train.ClassNames, trainer.Options.Batch, trainer.TotalSteps, ArenaDrawing.Figures(trainer.Session.Compiled.Memory));

    public static string DrawMemory(Trainer trainer) =>
        ArenaDrawing.Of(trainer.Session.Compiled, "memory over one training step").ToSvg();

    public IReadOnlyList<NamedValue> OptionsOf(TrainingOptions options, long totalSteps) =>
    [
        new("network", ModelText.Describe(options.Spec)),
        new("data", Train.Name),
        new("test data", Test?.Name ?? "none"),
        new("device", Device.Description),
        new("batch", RecipeText.Batch(options)),
        new("steps", $"{totalSteps}"),
        new("learning rate", RecipeText.LearningRate(options)),
        new("learning-rate factors", RecipeText.RateFactors(options)),
        new("optimizer", RecipeText.Optimizer(options)),
        new("momentum", RecipeText.Momentum(options)),
        new("weight decay", $"{options.Optimizer.WeightDecay}{(options.Optimizer.DecayBatchNormAndBias ? "" : ", not on batch norms and biases")}"),
        new("label smoothing", $"{options.LabelSmoothing}"),
        new("gradient clipping", options.Optimizer.ClipNorm is { } norm ? $"norm {norm} at most" : "none"),
        new("moving average", options.Optimizer.AverageDecay is { } decay ? $"decay {decay}" : "none"),
        new("evaluation", RecipeText.Evaluation(options)),
        new("batch norms", options.FrozenBatchNorm ? "frozen" : "trained"),
        new("fresh weights", options.ZeroInitLastBatchNorm ? "last batch norm of each branch at zero" : "as torchvision's"),
        new("order", options.Shuffle ? $"shuffled, seed {options.Seed}" : $"as in the data, seed {options.Seed}"),
        new("augmentation", RecipeText.Augmentation(options.Augmentation, Train)),
        new("image sizes", RecipeText.ImageSizes(options, Train)),
        new("normalisation", options.Normalization.IsNone ? "none"
            : $"mean {string.Join(' ', options.Normalization.Mean)}, deviation {string.Join(' ', options.Normalization.Std)}"),
    ];
}
