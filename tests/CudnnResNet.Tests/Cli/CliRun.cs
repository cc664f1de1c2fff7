using CudnnResNet.Cli;

namespace CudnnResNet.Tests.Cli;

/// <summary>One run of the command line inside the test's process.</summary>
internal sealed record CliRun(int ExitCode, string Output, string Error)
{
    /// <summary>The reference backend in one thread, without a plan cache: the same everywhere.</summary>
    public static readonly string[] OnReference = ["--device", "reference", "--threads", "2", "--plan-cache", "none"];

    public static CliRun Of(params string[] arguments)
    {
        using StringWriter output = new();
        using StringWriter error = new();
        int exitCode = CommandLine.Run(arguments, new Terminal(output, error, IsInteractive: false));
        return new CliRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>As <see cref="Of"/>, and it must succeed without a word on standard error.</summary>
    public static string Success(params string[] arguments)
    {
        CliRun run = Of(arguments);
        Assert.True(run is { ExitCode: 0, Error: "" }, $"exit code {run.ExitCode}: {run.Error}");
        return run.Output;
    }

    /// <summary>The message of a call that must be refused: exit code 2 and one line on standard error, nothing else.</summary>
    public static string Refusal(params string[] arguments)
    {
        CliRun run = Of(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Equal(run.Error.Length - Environment.NewLine.Length, run.Error.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        return run.Error["error: ".Length..].TrimEnd();
    }
}
