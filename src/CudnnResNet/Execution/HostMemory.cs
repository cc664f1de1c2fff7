using System.Runtime;

namespace CudnnResNet.Execution;

/// <summary>The process's own memory, beside arenas.</summary>
public static class HostMemory
{
    private const long WorthACollectionBytes = 64 << 20;

    /// <summary>
    /// Returns what is not in use to the system, where it may be much. Drawing, reading, converting and saving weights
    /// leaves garbage of several times the network's size, and the garbage collector has no reason to run again once
    /// steps allocate nothing. To be called when that is over; takes some milliseconds.
    /// </summary>
    public static void ReleaseUnused()
    {
        if (GC.GetTotalMemory(forceFullCollection: false) < WorthACollectionBytes)
            return;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
