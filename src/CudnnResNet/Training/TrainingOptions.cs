using System.Collections.Immutable;
using CudnnResNet.Autodiff;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Training;

/// <summary>A training run: the network, the recipe and where results go.</summary>
public sealed record TrainingOptions
{
    /// <summary>The longest run: the learning rates of all its steps are hashed when it begins.</summary>
    internal const long MostSteps = 1_000_000_000;

    public required ResNetSpec Spec { get; init; }
    public required Precision Precision { get; init; }
    public required int Batch { get; init; }

    /// <summary>Batches of a step: it takes the mean gradient of so many times <see cref="Batch"/> images.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Length in epochs; <see cref="Steps"/> comes first where both are given.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Length in steps; wraps around the data.</summary>
    public long? Steps { get; init; }

    public double LearningRate { get; init; } = 0.1;
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Length of the linear warm-up; <see cref="WarmupSteps"/> comes first where both are given.</summary>
    public double WarmupEpochs { get; init; }

    public long? WarmupSteps { get; init; }

    /// <summary>The rate of the warm-up's first step; null is <see cref="WarmupFromShare"/> of the learning rate.</summary>
    public double? WarmupFrom { get; init; }

    /// <summary>As in torchvision's recipes.</summary>
    public const double WarmupFromShare = 0.01;

    /// <summary>For <see cref="ScheduleKind.Step"/>: the epochs after which the rate is multiplied by <see cref="StepGamma"/>.</summary>
    public ImmutableArray<int> StepEpochs { get; init; } = [];

    public double StepGamma { get; init; } = 0.1;

    /// <summary>For <see cref="ScheduleKind.Linear"/>: rates at epochs; they replace <see cref="LearningRate"/>.</summary>
    public ImmutableArray<RatePoint> RatePoints { get; init; } = [];

    public SgdOptions Optimizer { get; init; } = new(Momentum: 0.9, WeightDecay: 5e-4);
    public double LabelSmoothing { get; init; }

    /// <summary>Batch norms take their running statistics, and neither these nor their parameters change.</summary>
    public bool FrozenBatchNorm { get; init; }

    /// <summary>Fresh weights begin with every residual branch at zero: the gamma of its last batch norm is 0.</summary>
    public bool ZeroInitLastBatchNorm { get; init; }

    public ulong Seed { get; init; } = 1;
    public bool Shuffle { get; init; } = true;
    public Augmentation Augmentation { get; init; } = Augmentation.None;
    public Normalization Normalization { get; init; } = Normalization.None;
    /// <summary>Sizes of the training images over the run; none keeps the data's. Evaluations see the data's in any case.</summary>
    public ImmutableArray<SizePoint> ImageSizes { get; init; } = [];

    public int EvaluationBatch { get; init; } = 100;

    /// <summary>Epochs from one evaluation to the next; the end of the run has one in any case.</summary>
    public int EvaluateEvery { get; init; } = 1;

    /// <summary>The run ends when so many evaluations in a row were no better than the best before; null never ends early.</summary>
    public int? Patience { get; init; }

    /// <summary>Keep gradients, and hand those of the first step to <see cref="TrainingObserver.OnFirstGradients"/>.</summary>
    public bool DumpGradients { get; init; }

    /// <summary>Steps from one checkpoint to the next within an epoch; null saves at the end of epochs only.</summary>
    public long? SaveEvery { get; init; }

    /// <summary>Receives last.safetensors and best.safetensors; null saves nothing.</summary>
    public string? OutputFolder { get; init; }

    /// <exception cref="ResNetException">A number without meaning; the message names it.</exception>
    public void Validate()
    {
        Spec.Validate();
        Require(Batch >= 1, "batch", Batch, "give at least 1");
        Require(Steps is null or (>= 1 and <= MostSteps), "number of steps", Steps ?? 0, $"give 1 to {MostSteps}");
        Require(Epochs >= 1, "number of epochs", Epochs, "give at least 1");
        Require(LearningRate >= 0 && double.IsFinite(LearningRate), "learning rate", LearningRate, "give 0 or more");
        Require(Optimizer.Momentum is >= 0 and < 1, "momentum", Optimizer.Momentum, "give 0 or more and less than 1");
        Require(Optimizer.WeightDecay >= 0 && double.IsFinite(Optimizer.WeightDecay),
            "weight decay", Optimizer.WeightDecay, "give 0 or more");
        Require(!Optimizer.Nesterov || Optimizer.Momentum > 0, "momentum", Optimizer.Momentum, "Nesterov's needs more than 0");
        Require(!ZeroInitLastBatchNorm || Spec.Version != ResNetVersion.V2, "zero-initialised last batch norm", "a v2 branch",
            "it would stay zero behind its ReLU; use v1 or v1.5");
        Require(SaveEvery is null or >= 1, "number of steps between checkpoints", SaveEvery ?? 0, "give at least 1");
        Require(Optimizer.TrustCoefficient is null or (> 0 and < double.PositiveInfinity), "trust coefficient",
            Optimizer.TrustCoefficient ?? 0, "give more than 0");
        Require(Optimizer.ClipNorm is null or (> 0 and < double.PositiveInfinity), "clip norm", Optimizer.ClipNorm ?? 0, "give more than 0");
        Require(Optimizer.AverageDecay is null or (> 0 and < 1), "decay of the moving average", Optimizer.AverageDecay ?? 0,
            "give more than 0 and less than 1");
        foreach (Autodiff.RateFactor factor in Optimizer.RateFactors)
            Require(factor.Factor >= 0 && double.IsFinite(factor.Factor), "learning-rate factor", factor.Factor, "give 0 or more");
        Require(Accumulate >= 1, "number of accumulated batches", Accumulate, "give at least 1");
        Require(!DumpGradients || Accumulate == 1, "dump", "accumulated gradients", "leave out the accumulation");
        Require(EvaluateEvery >= 1, "number of epochs between evaluations", EvaluateEvery, "give at least 1");
        Require(Patience is null or >= 1, "patience", Patience ?? 0, "give at least 1 evaluation");
        ValidateSchedule();
        for (int i = 0; i < ImageSizes.Length; i++)
        {
            Require(i == 0 ? ImageSizes[i].Epoch == 0 : ImageSizes[i].Epoch > ImageSizes[i - 1].Epoch, "image size from epoch", ImageSizes[i].Epoch,
                "give epochs from 0, in ascending order");
            Require(ImageSizes[i].Size >= 1, "image size", ImageSizes[i].Size, "give at least 1");
        }
        Require(LabelSmoothing is >= 0 and < 1, "label smoothing", LabelSmoothing, "give 0 or more and less than 1");
    }

    private void ValidateSchedule()
    {
        Require(WarmupEpochs >= 0 && double.IsFinite(WarmupEpochs), "warm-up", WarmupEpochs, "give 0 epochs or more");
        Require(WarmupSteps is null or >= 0, "warm-up", WarmupSteps ?? 0, "give 0 steps or more");
        Require(WarmupFrom is null or (>= 0 and < double.PositiveInfinity), "first warm-up rate", WarmupFrom ?? 0, "give 0 or more");
        Require(StepGamma is > 0 and < double.PositiveInfinity, "step gamma", StepGamma, "give more than 0");
        Require(Schedule != ScheduleKind.Step || StepEpochs.Length > 0, "step schedule", "no epochs", "say at which epochs the rate falls");
        Require(Schedule != ScheduleKind.Linear || RatePoints.Length > 0, "linear schedule", "no points", "give points");
        Require(Schedule != ScheduleKind.Linear || (WarmupEpochs == 0 && WarmupSteps is null or 0), "linear schedule", "points and a warm-up",
            "put the warm-up into its points");
        for (int i = 0; i < StepEpochs.Length; i++)
            Require(StepEpochs[i] > (i == 0 ? 0 : StepEpochs[i - 1]), "step epoch", StepEpochs[i], "give epochs from 1, in ascending order");
        for (int i = 0; i < RatePoints.Length; i++)
        {
            (double at, double rate) = (RatePoints[i].At, RatePoints[i].Rate);
            Require(at >= 0 && double.IsFinite(at) && (i == 0 || at > RatePoints[i - 1].At), "point at epoch", at,
                "give epochs from 0, in ascending order");
            Require(rate >= 0 && double.IsFinite(rate), "learning rate", rate, "give 0 or more");
        }
    }

    private static void Require(bool condition, string name, object value, string remedy)
    {
        if (!condition)
            throw new ResNetException(string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"A {name} of {value} has no meaning; {remedy}."));
    }
}

/// <summary>What a host wants to hear of a run; every callback is optional and called on the training thread.</summary>
public sealed record TrainingObserver
{
    public Action<StepRecord>? OnStep { get; init; }
    public Action<EpochRecord>? OnEpoch { get; init; }

    /// <summary>The evaluation that an epoch ends with; before <see cref="OnEpoch"/>.</summary>
    public Action<Inference.Evaluation>? OnEvaluation { get; init; }

    /// <summary>Called before a checkpoint is written: what was told of so far should be safe by then.</summary>
    public Action? OnSaving { get; init; }

    public Action<IReadOnlyList<Weights.NamedTensor>>? OnFirstGradients { get; init; }
}
