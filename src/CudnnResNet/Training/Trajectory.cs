using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Kernels;

namespace CudnnResNet.Training;

/// <summary>One thing that decides the numbers of a run, in words.</summary>
public sealed record TrajectoryFact(string Name, string Value);

/// <summary>
/// Everything that decides the numbers of a run apart from the state that a checkpoint holds: two runs of one trajectory
/// take the same steps bit for bit. A run's length counts only as far as the learning rates depend on it.
/// </summary>
/// <param name="Facts">Recipe, data, device and plans.</param>
/// <param name="Steps">The run's length.</param>
/// <param name="Rates">A hash of its learning rates.</param>
/// <param name="Plans">The plans themselves, to make them again.</param>
public sealed record Trajectory(
    ImmutableArray<TrajectoryFact> Facts, long Steps, string Rates, ImmutableArray<string> Plans)
{
    private const int DigestCharacters = 16;

    public ImmutableArray<TrajectoryFact> Facts { get; init; } = Facts.IsDefault ? [] : Facts;

    public ImmutableArray<string> Plans { get; init; } = Plans.IsDefault ? [] : Plans;

    /// <exception cref="ResNetException">A field has no meaning; the message names it.</exception>
    internal void Check()
    {
        if (Steps is < 0 or > TrainingOptions.MostSteps)
            throw new ResNetException($"Steps is {Steps}, and a run has 0 to {TrainingOptions.MostSteps}");
        if (Facts.Contains(null!))
            throw new ResNetException("Facts holds a null");
        if (Plans.Contains(null!))
            throw new ResNetException("Plans holds a null");
    }

    /// <summary>Images up to so many elements are hashed whole; of larger sets so many elements, evenly spread.</summary>
    private const long MostElements = 1 << 26;

    /// <summary>What is known before anything is compiled.</summary>
    public static ImmutableArray<TrajectoryFact> FactsOf(
        TrainingOptions options, IDataSet train, IDataSet? test, IBackend backend)
    {
        ImmutableArray<TrajectoryFact>.Builder facts = ImmutableArray.CreateBuilder<TrajectoryFact>();
        // Neither the length nor what a run leaves behind changes a step.
        TrainingOptions recipe = options with
        {
            Epochs = 1,
            Steps = null,
            SaveEvery = null,
            OutputFolder = null,
            DumpGradients = false,
        };
        Flatten("", JsonSerializer.SerializeToElement(recipe, CheckpointJson.Default.TrainingOptions), facts);
        facts.Add(new("data", Describe(train)));
        // The images above are those that an evaluation sees; without crops, training sees the same.
        if (train is ISampleSource source && options.Augmentation.CropsOrFlips)
            facts.Add(new("training samples", source.SampleRecipe));
        facts.Add(new("test data", test is null ? "none" : Describe(test)));
        facts.Add(new("threads", backend.Threads.ToString(CultureInfo.InvariantCulture)));
        facts.Add(new("device", WithoutThreads(backend)));
        facts.Add(new("runtime", RuntimeInformation.FrameworkDescription));
        facts.Add(new("version", $"{typeof(Trajectory).Assembly.GetName().Version!.ToString(3)} build {BuildIdentity.Of(backend.GetType().Module, train.GetType().Module)}"));
        return facts.ToImmutable();
    }

    /// <summary>The plans of a run by name.</summary>
    public static IEnumerable<TrajectoryFact> FactsOf(IEnumerable<(string Name, CompiledGraph Plan)> plans) =>
        plans.Select(plan => new TrajectoryFact(plan.Name, PlanText.Fingerprint(plan.Plan.Schedule)));

    /// <summary>A hash of the first <paramref name="steps"/> learning rates.</summary>
    public static string RatesOf(LearningRateSchedule schedule, long steps)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        double[] rates = new double[1024];
        for (long begin = 0; begin < steps; begin += rates.Length)
        {
            int count = (int)Math.Min(rates.Length, steps - begin);
            for (int i = 0; i < count; i++)
                rates[i] = schedule.At(begin + i);
            hash.AppendData(MemoryMarshal.AsBytes(rates.AsSpan(0, count)));
        }
        return Digest(hash);
    }

    /// <summary>What differs, as <c>batch was 6, is 4</c>; only facts of both sides' kinds are compared.</summary>
    /// <param name="now">What is to continue this trajectory, or the part of it that is known.</param>
    public IEnumerable<string> Differences(IEnumerable<TrajectoryFact> now)
    {
        Dictionary<string, string> before = [];
        foreach (TrajectoryFact fact in Facts)
            before[fact.Name] = fact.Value;
        foreach (TrajectoryFact fact in now)
        {
            string old = before.GetValueOrDefault(fact.Name, "not recorded");
            if (old != fact.Value)
                yield return $"{fact.Name} was {old}, is {fact.Value}";
        }
    }

    private static string Describe(IDataSet data)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int[] labels = new int[data.Count];
        for (int i = 0; i < labels.Length; i++)
            labels[i] = data.Label(i);
        hash.AppendData(MemoryMarshal.AsBytes(labels.AsSpan()));
        float[] image = new float[data.ImageElements()];
        long images = Math.Clamp(MostElements / image.Length, 1, data.Count);
        for (long i = 0; i < images; i++)
        {
            try
            {
                data.ReadImage((int)(i * data.Count / images), image);
            }
            catch (DamagedImageException)
            {
                Array.Clear(image);
            }
            hash.AppendData(MemoryMarshal.AsBytes(image.AsSpan()));
        }
        return string.Create(CultureInfo.InvariantCulture,
            $"{data.Count} images of {data.Height} x {data.Width} x {data.Channels}, checksum {Digest(hash)}");
    }

    /// <summary>The number of threads is a fact of its own, so that it is named once where it alone differs.</summary>
    private static string WithoutThreads(IBackend backend)
    {
        string threads = backend.Threads.ToString(CultureInfo.InvariantCulture);
        return backend.Identity.Replace($"threads {threads}", "", StringComparison.Ordinal)
            .Replace($"{threads} threads, ", "", StringComparison.Ordinal).Trim();
    }

    private static string Digest(IncrementalHash hash) =>
        Convert.ToHexStringLower(hash.GetHashAndReset())[..DigestCharacters];

    private static void Flatten(string name, JsonElement value, ImmutableArray<TrajectoryFact>.Builder facts)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            facts.Add(new(name, value.ValueKind == JsonValueKind.Null ? "none" : value.ToString()));
            return;
        }
        foreach (JsonProperty property in value.EnumerateObject())
        {
            string word = property.NameEquals("Spec") ? "network" : Words(property.Name);
            Flatten(name.Length == 0 ? word : $"{name} {word}", property.Value, facts);
        }
    }

    /// <summary>For example <c>label smoothing</c> from LabelSmoothing.</summary>
    private static string Words(string name) => string.Concat(name.Select((letter, i) =>
        char.IsUpper(letter) ? $"{(i > 0 ? " " : "")}{char.ToLowerInvariant(letter)}" : $"{letter}"));
}
