using CudnnResNet.Autodiff;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Tensors;

namespace CudnnResNet.Training;

/// <summary>A training run: the network, the recipe and where results go.</summary>
public sealed record TrainingOptions
{
    public required ResNetSpec Spec { get; init; }
    public required Precision Precision { get; init; }
    public required int Batch { get; init; }

    /// <summary>Length in epochs; <see cref="Steps"/> comes first where both are given.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Length in steps; wraps around the data.</summary>
    public long? Steps { get; init; }

    public double LearningRate { get; init; } = 0.1;
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;
    public SgdOptions Optimizer { get; init; } = new(Momentum: 0.9, WeightDecay: 5e-4);
    public double LabelSmoothing { get; init; }
    public ulong Seed { get; init; } = 1;
    public bool Shuffle { get; init; } = true;
    public Augmentation Augmentation { get; init; } = Augmentation.None;
    public Normalization Normalization { get; init; } = Normalization.None;
    public int EvaluationBatch { get; init; } = 100;

    /// <summary>Keep gradients, and hand those of the first step to <see cref="TrainingObserver.OnFirstGradients"/>.</summary>
    public bool DumpGradients { get; init; }

    /// <summary>Receives last.safetensors and best.safetensors; null saves nothing.</summary>
    public string? OutputFolder { get; init; }

    /// <exception cref="ResNetException">A number without meaning; the message names it.</exception>
    public void Validate()
    {
        Spec.Validate();
        Require(Batch >= 1, "batch", Batch, "give at least 1");
        Require(Steps is null or >= 1, "number of steps", Steps ?? 0, "give at least 1");
        Require(Epochs >= 1, "number of epochs", Epochs, "give at least 1");
        Require(LearningRate >= 0 && double.IsFinite(LearningRate), "learning rate", LearningRate, "give 0 or more");
        Require(Optimizer.Momentum is >= 0 and < 1, "momentum", Optimizer.Momentum, "give 0 or more and less than 1");
        Require(Optimizer.WeightDecay >= 0 && double.IsFinite(Optimizer.WeightDecay),
            "weight decay", Optimizer.WeightDecay, "give 0 or more");
        Require(LabelSmoothing is >= 0 and < 1, "label smoothing", LabelSmoothing, "give 0 or more and less than 1");
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
    public Action<IReadOnlyList<Weights.NamedTensor>>? OnFirstGradients { get; init; }
}
