using System.Diagnostics;

namespace CudnnResNet.Tests.Cli;

/// <summary>The command line in a process of its own, to be killed and starved.</summary>
internal static class TrainingProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static string Host => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    public static string Program => Path.Combine(AppContext.BaseDirectory, "resnet.dll");

    /// <summary>A shell that runs tests in the background has its children ignore SIGINT, so the default is restored.</summary>
    public static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("env", ["--default-signal=INT,TERM", Host, "exec", Program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    public static void Signal(Process process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits until the condition holds; false where the process ended before.</summary>
    public static bool WaitFor(Process process, Func<bool> condition)
    {
        for (Stopwatch waited = Stopwatch.StartNew(); waited.Elapsed < Patience; Thread.Sleep(2))
        {
            if (condition())
                return true;
            if (process.HasExited)
                return condition();
        }
        process.Kill();
        throw new InvalidOperationException("the run does not get on");
    }

    public static int Exit(Process process)
    {
        if (process.WaitForExit(Patience))
            return process.ExitCode;
        process.Kill();
        throw new InvalidOperationException("the run went on");
    }
}
