namespace CudnnResNet.Tests.Weights;

/// <summary>A test of what Linux's own special files do; skipped elsewhere.</summary>
internal sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "needs Linux's /dev/full and /proc";
    }
}
