using CudnnResNet.Data;
using CudnnResNet.Training;

namespace CudnnResNet.Cli;

/// <summary>A recipe in words, for the run log, the report and people.</summary>
internal static class RecipeText
{
    /// <summary>For example <c>crops with padding 4, horizontal flips, mixup 0.2</c>; sets that crop by themselves say how.</summary>
    public static string Augmentation(Augmentation augmentation, IDataSet data)
    {
        List<string> parts = [];
        if (augmentation.CropPadding > 0 || augmentation.HorizontalFlip)
            parts.Add(data is ISampleSource source ? source.SampleRecipe
                : $"crops with padding {augmentation.CropPadding}{(augmentation.HorizontalFlip ? ", horizontal flips" : "")}");
        if (augmentation.Erasing > 0)
            parts.Add($"random erasing {augmentation.Erasing}");
        if (augmentation.Mixup > 0)
            parts.Add($"mixup {augmentation.Mixup}");
        if (augmentation.CutMix > 0)
            parts.Add($"CutMix {augmentation.CutMix}");
        return parts.Count == 0 ? "none" : string.Join(", ", parts);
    }

    /// <summary>For example <c>0.4, cosine, warm-up from 0.004 over 5 epochs</c>.</summary>
    public static string LearningRate(TrainingOptions options) => options.Schedule switch
    {
        ScheduleKind.Linear => $"linear {string.Join(',', options.RatePoints.Select(point => $"{point.At}:{point.Rate}"))} (epoch:rate)",
        ScheduleKind.Step => $"{options.LearningRate}, times {options.StepGamma} after epochs "
            + $"{string.Join(',', options.StepEpochs)}{Warmup(options)}",
        ScheduleKind.Cosine => $"{options.LearningRate}, cosine{Warmup(options)}",
        _ => $"{options.LearningRate}, constant{Warmup(options)}",
    };

    public static string Optimizer(TrainingOptions options) => options.Optimizer.TrustCoefficient is { } coefficient
        ? $"LARS, trust coefficient {coefficient}"
        : "SGD";

    /// <summary>For example <c>layer4 0.3, fc 1, all others 0.1</c>: the first that fits a part counts.</summary>
    public static string RateFactors(TrainingOptions options) => options.Optimizer.RateFactors.IsEmpty
        ? "none"
        : string.Join(", ", options.Optimizer.RateFactors.Select(factor =>
            $"{(factor.Prefix.Length == 0 ? "all others" : factor.Prefix.TrimEnd('.'))} {factor.Factor}"));

    public static string Batch(TrainingOptions options) => options.Accumulate == 1
        ? $"{options.Batch}"
        : $"{options.Accumulate * options.Batch}, accumulated from {options.Accumulate} of {options.Batch}";

    /// <summary>For example <c>128, from epoch 10 on 224</c>.</summary>
    public static string ImageSizes(TrainingOptions options, IDataSet data) => options.ImageSizes.IsEmpty
        ? $"{data.Height} x {data.Width}"
        : string.Join(", ", options.ImageSizes.Select(point => point.Epoch == 0 ? $"{point.Size}" : $"after epoch {point.Epoch} {point.Size}"));

    public static string Evaluation(TrainingOptions options) =>
        (options.EvaluateEvery == 1 ? "every epoch" : $"every {options.EvaluateEvery} epochs")
        + (options.Patience is { } patience ? $", stop after {patience} without a better one" : "");

    public static string Momentum(TrainingOptions options) =>
        $"{options.Optimizer.Momentum}{(options.Optimizer.Nesterov ? ", Nesterov" : "")}";

    private static string Warmup(TrainingOptions options)
    {
        if (options.WarmupSteps is null or 0 && options.WarmupEpochs == 0)
            return "";
        double from = options.WarmupFrom ?? options.LearningRate * TrainingOptions.WarmupFromShare;
        return $", warm-up from {from} over {(options.WarmupSteps is { } steps ? $"{steps} steps" : $"{options.WarmupEpochs} epochs")}";
    }
}
