namespace CudnnResNet.Kernels;

/// <summary>
/// One block of a backend's memory. Copies are synchronous: they happen before and after a run, never inside one.
/// </summary>
public abstract class Arena(long bytes) : IDisposable
{
    public long Bytes { get; } = bytes;

    /// <summary>Copies from host memory; source and region must have the same length in bytes.</summary>
    public abstract void Write(Region region, ReadOnlySpan<byte> source);

    /// <summary>Copies to host memory; region and destination must have the same length in bytes.</summary>
    public abstract void Read(Region region, Span<byte> destination);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
