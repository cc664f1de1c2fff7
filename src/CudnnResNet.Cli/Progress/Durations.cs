namespace CudnnResNet.Cli.Progress;

internal static class Durations
{
    /// <summary>For example <c>1:23</c> or <c>1:02:03</c>.</summary>
    public static string Format(TimeSpan time) => time.TotalHours >= 1
        ? $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}"
        : $"{(int)time.TotalMinutes}:{time.Seconds:00}";
}
