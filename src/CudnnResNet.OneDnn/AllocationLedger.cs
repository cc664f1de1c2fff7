namespace CudnnResNet.OneDnn;

/// <summary>What a backend has handed out, so that a plan's promise can be compared with what was really allocated.</summary>
internal sealed class AllocationLedger
{
    private readonly Lock _gate = new();

    internal long CurrentBytes { get; private set; }

    internal long PeakBytes { get; private set; }

    internal long Allocations { get; private set; }

    internal void Add(long bytes)
    {
        lock (_gate)
        {
            Allocations++;
            CurrentBytes += bytes;
            PeakBytes = Math.Max(PeakBytes, CurrentBytes);
        }
    }

    internal void Remove(long bytes)
    {
        lock (_gate)
            CurrentBytes -= bytes;
    }
}
