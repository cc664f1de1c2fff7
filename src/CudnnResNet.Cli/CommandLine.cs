using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using CudnnResNet.Cli.Commands;
using CudnnResNet.Cli.Flags;

namespace CudnnResNet.Cli;

/// <summary>The commands, and what their ends mean to the caller: 0 done, 1 a fault of ours, 2 a fault of the call, 130 interrupted, 143 terminated.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int OwnFault = 1;
    public const int CallersFault = 2;
    public const int Interrupted = 130;
    public const int Terminated = 143;

    public static int Run(string[] arguments, Terminal terminal)
    {
        Option<bool> verbose = new("--verbose")
        {
            Description = "Show the stack trace of an unexpected error.",
            Recursive = true,
        };
        RootCommand root = Build(terminal, verbose);
        // File names may begin with @.
        ParseResult parsed = root.Parse(Preset.Expand(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
            return Refuse(terminal, Sentence(parsed));
        InvocationConfiguration invocation = new()
        {
            Output = terminal.Output,
            Error = terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return parsed.Invoke(invocation);
        }
        catch (Exception error) when (!parsed.GetValue(verbose) && IsCallersFault(error))
        {
            return Refuse(terminal, error.Message);
        }
        catch (OutOfMemoryException)
        {
            return Refuse(terminal, "not enough memory; use a smaller --batch or smaller images");
        }
        catch (Exception error)
        {
            if (!parsed.GetValue(verbose))
            {
                terminal.Error.WriteLine(
                    $"error: unexpected {error.GetType().Name}: {OneLine(error.Message)} (--verbose shows where)");
                return OwnFault;
            }
            terminal.Error.WriteLine(error);
            return IsCallersFault(error) ? CallersFault : OwnFault;
        }
    }

    private static RootCommand Build(Terminal terminal, Option<bool> verbose)
    {
        RootCommand root = new("Trains and serves ResNet-18 to 200.")
        {
            QuickstartCommand.Create(terminal),
            TrainCommand.Create(terminal),
            EvalCommand.Create(terminal),
            PredictCommand.Create(terminal),
            BenchCommand.Create(terminal),
            ReportCommand.Create(terminal),
            ConvertCommand.Create(terminal),
            InspectCommand.Create(terminal),
            SummaryCommand.Create(terminal),
            PlanCommand.Create(terminal),
            DataCommand.Create(terminal),
            DoctorCommand.Create(terminal),
        };
        root.Add(verbose);
        root.SetAction(parsed => new HelpAction().Invoke(parsed));
        return root;
    }

    private static bool IsCallersFault(Exception error) =>
        error is ResNetException or IOException or UnauthorizedAccessException;

    private static int Refuse(Terminal terminal, string message)
    {
        terminal.Error.WriteLine($"error: {OneLine(message)}");
        return CallersFault;
    }

    private static string Sentence(ParseResult parsed) => parsed.Errors switch
    {
        [] => "the command line was not understood; see --help",
        [var only] => only.Message,
        [var first, ..] => $"{first.Message} (and {parsed.Errors.Count - 1} more)",
    };

    private static string OneLine(string text) =>
        string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
