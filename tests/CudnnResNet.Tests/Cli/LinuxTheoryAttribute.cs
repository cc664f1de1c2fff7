namespace CudnnResNet.Tests.Cli;

/// <summary>A test of signals; skipped where there is no kill and no env of GNU's.</summary>
internal sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "needs Linux's signals";
    }
}
