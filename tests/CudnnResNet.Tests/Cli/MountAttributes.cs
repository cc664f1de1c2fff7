using System.Diagnostics;

namespace CudnnResNet.Tests.Cli;

/// <summary>Tests that make disks of their own; skipped where the kernel does not let this user mount in a namespace.</summary>
internal static class Mounts
{
    private static readonly Lazy<bool> Works = new(() =>
    {
        if (!OperatingSystem.IsLinux())
            return false;
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("unshare",
                ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", Path.GetTempPath()])
            { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    });

    public static string? WhyNot => Works.Value ? null : "mounting in a namespace of one's own is not possible here (unshare --map-root-user --mount)";
}

internal sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute() => Skip = Mounts.WhyNot;
}

internal sealed class MountTheoryAttribute : TheoryAttribute
{
    public MountTheoryAttribute() => Skip = Mounts.WhyNot;
}
