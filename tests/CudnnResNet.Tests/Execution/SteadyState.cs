namespace CudnnResNet.Tests.Execution;

internal static class SteadyState
{
    /// <summary>
    /// Managed bytes that a repetition of <paramref name="step"/> allocates on the calling thread, after enough
    /// repetitions for the jitter to have finished. The least of several rounds, because a round may be disturbed.
    /// </summary>
    public static long AllocatedBytes(Action step)
    {
        for (int i = 0; i < 5; i++)
            step();
        long least = long.MaxValue;
        for (int round = 0; round < 3; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 5; i++)
                step();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
