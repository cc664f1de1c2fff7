namespace CudnnResNet.Kernels;

/// <summary>A range of an arena. Offsets are multiples of <see cref="Alignment"/>.</summary>
public readonly record struct Region(long OffsetBytes, long Bytes)
{
    /// <summary>A cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    public static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
