using System.CommandLine;
using System.Globalization;
using CudnnResNet.Execution;

namespace CudnnResNet.Cli.Flags;

/// <summary>Steps by number, from 1.</summary>
internal readonly record struct StepRange(long First, long Count)
{
    /// <summary>A few, after the caches are warm and the loader has caught up.</summary>
    public static StepRange Standard { get; } = new(4, 3);

    public override string ToString() => $"{First}:{Count}";

    public static StepRange? Parse(string text)
    {
        string[] parts = text.Split(':');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long first) && first >= 1
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count >= 1
            && first <= long.MaxValue - count
            ? new StepRange(first, count)
            : null;
    }
}

/// <summary>The flags that ask for a trace of some steps.</summary>
internal sealed class ProfileFlags(string stepsInWords)
{
    private readonly Option<string?> _profile = Flag.Text("--profile", "FILE.json",
        "Receives a Chrome trace of some steps, a slice a kernel; ui.perfetto.dev shows it.");

    private readonly Option<StepRange?> _steps = Flag.Make<StepRange?>("--profile-steps",
        $"The first and how many {stepsInWords} to trace (default {StepRange.Standard}).", "FIRST:COUNT",
        text => StepRange.Parse(text), "two whole numbers from 1, as in 3:2");

    public void AddTo(Command command)
    {
        command.Add(_profile);
        command.Add(_steps);
    }

    /// <summary>Null where no trace is asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="terminal">Hears of what is left out.</param>
    /// <param name="stepsBefore">Steps of the run that is continued.</param>
    /// <exception cref="ResNetException">The file's folder does not exist, there are steps and no file, or they are over.</exception>
    public Profile? Read(ParseResult parsed, Terminal terminal, long stepsBefore = 0)
    {
        StepRange? steps = parsed.GetValue(_steps);
        if (parsed.GetValue(_profile) is not { } path)
            return steps is null ? null : throw new ResNetException($"{_steps.Name} says which steps to trace, but not where to; give {_profile.Name} FILE.json");
        OutputPaths.RequireFileIn(_profile.Name, path);
        if (steps?.First <= stepsBefore)
            throw new ResNetException($"{_steps.Name} is {steps}, and the run continues behind step {stepsBefore}; give later steps");
        StepRange range = steps ?? StepRange.Standard with { First = StepRange.Standard.First + stepsBefore };
        return new Profile(path, range, new StepTrace(range.First, range.Count, stepsBefore), CommandText.Of(parsed), terminal);
    }
}
