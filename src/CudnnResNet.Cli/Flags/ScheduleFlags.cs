using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using CudnnResNet.Training;

namespace CudnnResNet.Cli.Flags;

/// <summary>The flags of the learning rate.</summary>
internal sealed class ScheduleFlags
{
    private readonly Option<double?> _rate = Flag.Number("--lr", "Learning rate (default 0.1).");
    private readonly Option<ScheduleKind?> _schedule = Flag.Choice("--schedule",
        "constant; cosine: half a cosine down to zero; step: falls at --step-epochs; linear: through --points (default cosine).",
        ("constant", ScheduleKind.Constant), ("cosine", ScheduleKind.Cosine),
        ("step", ScheduleKind.Step), ("linear", ScheduleKind.Linear));
    private readonly Option<double?> _warmupEpochs = Flag.Number("--warmup-epochs", "Length of a linear warm-up (default 0).");
    private readonly Option<long?> _warmupSteps = Flag.Long("--warmup-steps", "Its length in steps instead.");
    private readonly Option<double?> _warmupFrom = Flag.Number("--warmup-from",
        "Learning rate of the warm-up's first step (default a hundredth of --lr).");
    private readonly Option<ImmutableArray<int>?> _stepEpochs = Flag.Make<ImmutableArray<int>?>("--step-epochs",
        "The epochs after which the rate falls, with --schedule step.", "30,60,80", Epochs, "epochs such as 30,60,80");
    private readonly Option<double?> _gamma = Flag.Number("--step-gamma", "What the rate is multiplied by there (default 0.1).");
    private readonly Option<ImmutableArray<RatePoint>?> _points = Flag.Make<ImmutableArray<RatePoint>?>("--points",
        "Learning rates at epochs, joined by lines, with --schedule linear.", "0:0,5:0.4,30:0", Points,
        "epoch:rate pairs such as 0:0,5:0.4,30:0");

    public void AddTo(Command command)
    {
        command.Add(_rate);
        command.Add(_schedule);
        command.Add(_warmupEpochs);
        command.Add(_warmupSteps);
        command.Add(_warmupFrom);
        command.Add(_stepEpochs);
        command.Add(_gamma);
        command.Add(_points);
    }

    /// <summary><paramref name="options"/> with the learning rate that was asked for.</summary>
    /// <exception cref="ResNetException">Flags that contradict each other.</exception>
    public TrainingOptions Apply(ParseResult parsed, TrainingOptions options)
    {
        ScheduleKind schedule = parsed.GetValue(_schedule) ?? ScheduleKind.Cosine;
        bool isLinear = schedule == ScheduleKind.Linear;
        bool isStep = schedule == ScheduleKind.Step;
        if (parsed.GetValue(_warmupEpochs) is not null && parsed.GetValue(_warmupSteps) is not null)
            throw new ResNetException("--warmup-epochs and --warmup-steps both give the warm-up; give one of them");
        if (isLinear && parsed.GetValue(_rate) is not null)
            throw new ResNetException("--lr and --schedule linear both give the learning rate; leave out --lr");
        if (isLinear && parsed.GetValue(_points) is null)
            throw new ResNetException("--schedule linear has no points; give --points such as 0:0,5:0.4,30:0");
        if (isLinear && (parsed.GetValue(_warmupEpochs) ?? parsed.GetValue(_warmupSteps)) is not null)
            throw new ResNetException("--schedule linear takes no other warm-up; put it into --points");
        if (isStep && parsed.GetValue(_stepEpochs) is null)
            throw new ResNetException("--schedule step has no epochs; give --step-epochs such as 30,60,80");
        Require(parsed.GetValue(_points) is null || isLinear, _points, "--schedule linear");
        Require(parsed.GetValue(_stepEpochs) is null || isStep, _stepEpochs, "--schedule step");
        Require(parsed.GetValue(_gamma) is null || isStep, _gamma, "--schedule step");
        Require(parsed.GetValue(_warmupFrom) is null || (parsed.GetValue(_warmupEpochs) ?? parsed.GetValue(_warmupSteps)) is not null,
            _warmupFrom, "--warmup-epochs or --warmup-steps");
        return options with
        {
            LearningRate = parsed.GetValue(_rate) ?? 0.1,
            Schedule = schedule,
            WarmupEpochs = parsed.GetValue(_warmupEpochs) ?? 0,
            WarmupSteps = parsed.GetValue(_warmupSteps),
            WarmupFrom = parsed.GetValue(_warmupFrom),
            StepEpochs = parsed.GetValue(_stepEpochs) ?? [],
            StepGamma = parsed.GetValue(_gamma) ?? 0.1,
            RatePoints = parsed.GetValue(_points) ?? [],
        };
    }

    private static void Require(bool condition, Option option, string other)
    {
        if (!condition)
            throw new ResNetException($"{option.Name} has no effect without {other}; give both or neither");
    }

    private static ImmutableArray<int>? Epochs(string text)
    {
        ImmutableArray<int>.Builder epochs = ImmutableArray.CreateBuilder<int>();
        foreach (string word in text.Split(','))
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int epoch))
                return null;
            epochs.Add(epoch);
        }
        return epochs.ToImmutable();
    }

    private static ImmutableArray<RatePoint>? Points(string text)
    {
        ImmutableArray<RatePoint>.Builder points = ImmutableArray.CreateBuilder<RatePoint>();
        foreach (string word in text.Split(','))
        {
            if (word.Split(':') is not [string epoch, string rate]
                || !double.TryParse(epoch, NumberStyles.Float, CultureInfo.InvariantCulture, out double at)
                || !double.TryParse(rate, NumberStyles.Float, CultureInfo.InvariantCulture, out double value))
                return null;
            points.Add(new RatePoint(at, value));
        }
        return points.ToImmutable();
    }
}
