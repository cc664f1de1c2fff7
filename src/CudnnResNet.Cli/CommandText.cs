using System.CommandLine;

namespace CudnnResNet.Cli;

/// <summary>A command line as text that a shell reads back as the same arguments.</summary>
internal static class CommandText
{
    private const string PlainCharacters = "-_./:=,+@%";

    public static string Of(ParseResult parsed) =>
        string.Join(' ', parsed.Tokens.Select(token => Quote(token.Value)).Prepend("./resnet"));

    /// <summary>In single quotes where a shell would see more than a word (POSIX, XCU 2.2.2).</summary>
    public static string Quote(string argument) =>
        argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || PlainCharacters.Contains(c, StringComparison.Ordinal))
            ? argument
            : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
