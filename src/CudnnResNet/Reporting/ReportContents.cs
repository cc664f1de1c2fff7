using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>Everything a report shows. A part that is empty or null leaves its section out.</summary>
/// <param name="Title">What was trained on what.</param>
/// <param name="Headline">The one number that matters, such as ("test accuracy", "89.3 %").</param>
/// <param name="Facts">Beside the headline: time, throughput, model, device.</param>
public sealed record ReportContents(string Title, NamedValue Headline, IReadOnlyList<NamedValue> Facts)
{
    /// <summary>What could not be read of the run, one sentence each.</summary>
    public IReadOnlyList<string> Missing { get; init; } = [];

    public IReadOnlyList<StepRecord> Steps { get; init; } = [];

    public IReadOnlyList<EpochRecord> Epochs { get; init; } = [];

    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Over the test set.</summary>
    public ConfusionMatrix? Confusion { get; init; }

    /// <summary>Test images that were taken for something else, those with the highest loss first.</summary>
    public IReadOnlyList<ClassifiedImage> Mistakes { get; init; } = [];

    /// <summary>Test images in the order shown; the first <see cref="ImageSheet.MostImages"/> are.</summary>
    public IReadOnlyList<ClassifiedImage> Images { get; init; } = [];

    /// <summary>Rows of the memory plan's summary.</summary>
    public IReadOnlyList<NamedValue> Memory { get; init; } = [];

    /// <summary>A drawing for the memory section, such as <see cref="ArenaDiagram.ToSvg"/>. Trusted: inserted as it is.</summary>
    public string? MemorySvg { get; init; }

    /// <summary>The commands that repeat the run, one a line.</summary>
    public string? Command { get; init; }

    public IReadOnlyList<NamedValue> Options { get; init; } = [];

    public IReadOnlyList<NamedValue> Versions { get; init; } = [];

    public IReadOnlyList<NamedValue> Machine { get; init; } = [];
}
