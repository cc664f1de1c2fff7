using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CudnnResNet.Data;
using CudnnResNet.Models;
using CudnnResNet.Weights;

namespace CudnnResNet.Training;

/// <summary>How far a run has come: all that is needed beside the tensors to continue it.</summary>
public sealed record TrainingProgress(long Step, LoaderPosition Position, ulong Seed, double? BestAccuracy)
{
    public static TrainingProgress Start { get; } = new(0, LoaderPosition.Start, 0, null);

    /// <summary>Of the epoch that is under way.</summary>
    public EpochMeans Means { get; init; }

    /// <summary>Evaluations in a row that were no better than <see cref="BestAccuracy"/>.</summary>
    public int EvaluationsSinceBest { get; init; }

    /// <exception cref="ResNetException">A field has no meaning; the message names it.</exception>
    internal void Check()
    {
        Require(Step >= 0, nameof(Step), Step);
        Require(Position.Epoch >= 1, nameof(Position.Epoch), Position.Epoch);
        Require(Position.Index >= 0, nameof(Position.Index), Position.Index);
        Require(EvaluationsSinceBest >= 0, nameof(EvaluationsSinceBest), EvaluationsSinceBest);

        static void Require(bool condition, string field, long value)
        {
            if (!condition)
                throw new ResNetException($"the progress has {field} = {value}, which no run reaches");
        }
    }
}

/// <summary>
/// A safetensors file with the parameters under torchvision's names, the optimizer's state under <c>optimizer.</c>, and
/// the network and the progress in its metadata.
/// </summary>
/// <param name="Weights">Parameters, running statistics and optimizer state.</param>
/// <param name="Spec">The network.</param>
/// <param name="Progress">How far the run has come.</param>
/// <param name="Normalization">What was done to the images; a network is only good for images treated alike.</param>
public sealed record Checkpoint(
    NetworkWeights Weights, ResNetSpec? Spec, TrainingProgress Progress, Normalization Normalization)
{
    /// <summary>What a run calls the one that it is continued from.</summary>
    public const string LastFile = "last.safetensors";

    /// <summary>What a run calls the one that tested best.</summary>
    public const string BestFile = "best.safetensors";

    /// <summary>What the numbers of the run depend on beside its state; null where the file does not say.</summary>
    public Trajectory? Trajectory { get; init; }

    private const string Format = "cudnnresnet.format";
    private const string SpecKey = "cudnnresnet.spec";
    private const string ProgressKey = "cudnnresnet.progress";
    private const string NormalizationKey = "cudnnresnet.normalization";
    private const string ClassNamesKey = "cudnnresnet.classes";
    private const string ServesKey = "cudnnresnet.serves";
    private const string Average = "ema";
    private const string TrajectoryKey = "cudnnresnet.trajectory";

    /// <summary>Replaces the file at <paramref name="path"/> whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="session">The weights, their moving average and the optimizer's state.</param>
    /// <param name="progress">How far the run has come.</param>
    /// <param name="normalization">Of the images.</param>
    /// <param name="trajectory">Of the run.</param>
    /// <param name="classNames">One for each class; numbers in their order say nothing, and are left out.</param>
    /// <param name="servesAverage">Whoever uses the network without training it takes the moving average.</param>
    /// <exception cref="ResNetException">
    /// The file cannot be written, or a tensor is not finite: an update may break the weights one step before a loss shows it.
    /// </exception>
    public static void Save(string path, TrainingSession session, TrainingProgress progress,
        Normalization normalization, Trajectory trajectory, IReadOnlyList<string> classNames, bool servesAverage = false)
    {
        NamedTensor[] tensors = [.. session.SaveWeights().Tensors.Values, .. session.SaveOptimizer()];
        foreach (NamedTensor tensor in tensors)
            if (!IsFinite(tensor))
                throw new ResNetException($"{tensor.Name} became NaN or infinite; {Remedies}");
        Safetensors.Write(path, tensors,
            new Dictionary<string, string>(Describe(session.Spec, normalization, classNames))
            {
                [Format] = "checkpoint 1",
                [ServesKey] = servesAverage ? Average : "weights",
                [ProgressKey] = JsonSerializer.Serialize(progress, CheckpointJson.Default.TrainingProgress),
                [TrajectoryKey] = JsonSerializer.Serialize(trajectory, CheckpointJson.Default.Trajectory),
            });
    }

    /// <exception cref="ResNetException">No safetensors file, or no checkpoint of a training run.</exception>
    public static Checkpoint Load(string path)
    {
        TensorFile file = Safetensors.Read(path);
        if (!file.Metadata.TryGetValue(ProgressKey, out string? progress))
            throw new ResNetException($"{path} holds weights but no training progress; start from it with --init.");
        return new Checkpoint(WeightsOf(file, path), SpecOf(file, path),
            Parse(progress, path, ProgressKey, CheckpointJson.Default.TrainingProgress, progress => progress.Check()),
            NormalizationOf(file, path) ?? Normalization.None)
        {
            Trajectory = file.Metadata.TryGetValue(TrajectoryKey, out string? trajectory)
                ? Parse(trajectory, path, TrajectoryKey, CheckpointJson.Default.Trajectory, trajectory => trajectory.Check())
                : null,
        };
    }

    /// <summary>Metadata that describe a network, what is done to its images, and its classes.</summary>
    public static Dictionary<string, string> Describe(
        ResNetSpec spec, Normalization? normalization = null, IReadOnlyList<string>? classNames = null)
    {
        Dictionary<string, string> metadata = new()
        {
            ["format"] = "pt",
            [SpecKey] = JsonSerializer.Serialize(spec, CheckpointJson.Default.ResNetSpec),
        };
        if (normalization is not null)
            metadata[NormalizationKey] = JsonSerializer.Serialize(normalization, CheckpointJson.Default.Normalization);
        if (classNames is { Count: > 0 } names && names.Where((name, label) => name != label.ToString(CultureInfo.InvariantCulture)).Any())
            metadata[ClassNamesKey] = JsonSerializer.Serialize([.. names], CheckpointJson.Default.StringArray);
        return metadata;
    }

    /// <summary>The network that a file's metadata describes; null where it does not say.</summary>
    public static ResNetSpec? SpecOf(TensorFile file, string path) => SpecOf(file.Metadata, path);

    /// <inheritdoc cref="SpecOf(TensorFile, string)"/>
    public static ResNetSpec? SpecOf(IReadOnlyDictionary<string, string> metadata, string path) =>
        metadata.TryGetValue(SpecKey, out string? text)
            ? Parse(text, path, SpecKey, CheckpointJson.Default.ResNetSpec, spec => spec.Validate())
            : null;

    /// <summary>What was done to the images that the weights were trained on; null where the file does not say.</summary>
    public static Normalization? NormalizationOf(TensorFile file, string path) =>
        file.Metadata.TryGetValue(NormalizationKey, out string? text)
            ? Parse(text, path, NormalizationKey, CheckpointJson.Default.Normalization, images => images.Check(images.Mean.Length))
            : null;

    /// <summary>One name for each class of the network; null where the file does not say, or not of all.</summary>
    public static IReadOnlyList<string>? ClassNamesOf(IReadOnlyDictionary<string, string> metadata, string path) =>
        metadata.TryGetValue(ClassNamesKey, out string? text)
        && Parse(text, path, ClassNamesKey, CheckpointJson.Default.StringArray) is var names && !names.Contains(null)
            ? [.. names.Select(Printable.Text)]
            : null;

    /// <summary>The weights to serve: the moving average where the file says so or it is asked for, else the weights.</summary>
    /// <exception cref="ResNetException">An average is asked for, and there is none.</exception>
    public static NetworkWeights ServedBy(TensorFile file, string path, bool wantsAverage)
    {
        NetworkWeights weights = WeightsOf(file, path);
        bool saysAverage = file.Metadata.TryGetValue(ServesKey, out string? serves) && serves == Average;
        return !wantsAverage && !saysAverage
            ? weights
            : weights.Averages() ?? throw new ResNetException(
                $"{path} holds no moving average of the weights; leave out --ema, or train with it.");
    }

    public static NetworkWeights WeightsOf(TensorFile file, string path) =>
        new(file.Tensors.ToDictionary(tensor => tensor.Name), path);

    /// <summary>What to try when numbers overflow.</summary>
    internal const string Remedies = "try a lower --lr, a warm-up (--warmup-epochs) or --precision fp32";

    private static bool IsFinite(NamedTensor tensor)
    {
        foreach (double value in tensor.ToDoubles())
            if (!double.IsFinite(value))
                return false;
        return true;
    }

    /// <param name="text">JSON.</param>
    /// <param name="path">For messages, as is the next.</param>
    /// <param name="key">Under which it lies in the metadata.</param>
    /// <param name="type">What it describes.</param>
    /// <param name="check">Throws where a field has no meaning.</param>
    private static T Parse<T>(string text, string path, string key, JsonTypeInfo<T> type, Action<T>? check = null)
    {
        try
        {
            T parsed = JsonSerializer.Deserialize(text, type) ?? throw new ResNetException("it is empty");
            check?.Invoke(parsed);
            return parsed;
        }
        catch (Exception error) when (error is JsonException or ResNetException)
        {
            throw new ResNetException(
                $"{path}: its metadata '{key}' cannot be read ({error.Message}); it was not written by this program, or is damaged.", error);
        }
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ResNetSpec))]
[JsonSerializable(typeof(TrainingProgress))]
[JsonSerializable(typeof(TrainingOptions))]
[JsonSerializable(typeof(Trajectory))]
[JsonSerializable(typeof(Normalization))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
