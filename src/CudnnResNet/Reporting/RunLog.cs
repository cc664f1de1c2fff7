using CudnnResNet.Training;

namespace CudnnResNet.Reporting;

/// <summary>What a run was started with: enough to repeat it. A resumed run adds its own header.</summary>
public sealed record RunHeader(
    DateTimeOffset StartedAt, IReadOnlyList<NamedValue> Options, IReadOnlyList<NamedValue> Versions)
{
    /// <summary>Processor, memory and operating system.</summary>
    public IReadOnlyList<NamedValue> Machine { get; init; } = [];

    /// <summary>The command line that started it, quoted for a shell; null where the host has none.</summary>
    public string? Command { get; init; }
}

/// <summary>A name and its value as shown to people: an option, a version, a fact.</summary>
public sealed record NamedValue(string Name, string Value);

/// <summary>
/// A run log as read back, in order of steps. <paramref name="CutLine"/> is the beginning of a last line that was being
/// written when the run was killed, or null.
/// </summary>
public sealed record RunLog(
    IReadOnlyList<RunHeader> Headers,
    IReadOnlyList<StepRecord> Steps,
    IReadOnlyList<EpochRecord> Epochs,
    string? CutLine)
{
    /// <summary>Numbers of lines, from 1, that could not be read and were left out.</summary>
    public IReadOnlyList<int> DamagedLines { get; init; } = [];
}
