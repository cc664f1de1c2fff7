namespace CudnnResNet.Cli.Plans;

/// <summary>What is said of a plan that was measured on a busy machine.</summary>
internal static class DisturbanceText
{
    /// <summary>Null where nothing was disturbed.</summary>
    public static string? Of(int disturbed) => disturbed == 0 ? null
        : $"other processes disturbed {disturbed} measurements: they are not kept, and the next start measures again";
}
