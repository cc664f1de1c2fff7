using System.Diagnostics;
using CudnnResNet.Scheduling;

namespace CudnnResNet.Tests.OneDnn;

/// <summary>A Debian 13 root, where oneDNN is version 3: made once by <c>tools/in-debian-13</c>, where that can run.</summary>
internal static class Debian13
{
    /// <summary>The script's status where a root cannot be made here.</summary>
    private const int Cannot = 77;

    private static readonly Lazy<string?> Probe = new(() =>
    {
        if (File.Exists("/etc/debian_version")
            && File.ReadAllText("/etc/debian_version").StartsWith("13", StringComparison.Ordinal))
            return "This is Debian 13 already.";
        if (!File.Exists(Script))
            return "The repository is not here.";
        (int status, string output) = Run("true");
        return status == Cannot ? output.Trim() : null;
    });

    /// <summary>Where the script puts it: beside the plan cache.</summary>
    public static string Root => Path.Combine(Path.GetDirectoryName(PlanCache.DefaultFolder)!, "debian13");

    private static string Script => Path.Combine(RepositoryRoot.Path, "tools", "in-debian-13");

    /// <summary>Why there is no such root here; null where there is one.</summary>
    public static string? Refusal => Probe.Value;

    public static (int Status, string Output) Run(params string[] command)
    {
        ProcessStartInfo start = new(Script, command)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == Cannot ? errors.Result : output + errors.Result);
    }
}
