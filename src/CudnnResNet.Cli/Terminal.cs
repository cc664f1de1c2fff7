namespace CudnnResNet.Cli;

/// <summary>Where a command writes, and whether a person is watching it.</summary>
internal sealed record Terminal(TextWriter Output, TextWriter Error, bool IsInteractive)
{
    /// <summary>A pipe, a file or a terminal without cursor movement gets plain lines.</summary>
    public static Terminal OfProcess() => new(Console.Out, Console.Error,
        !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"));
}
