using System.Diagnostics;

namespace CudnnResNet.Tests.Data.Fuzzing;

/// <summary>Feeds mutants to a parser and holds it to its promise: something consistent, or a <see cref="ResNetException"/>.</summary>
internal static class FuzzRun
{
    /// <summary>Only a hang takes so long; a mutant takes some ten microseconds.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(20);

    /// <summary>All in CI, a sample elsewhere.</summary>
    public static int Mutants => Environment.GetEnvironmentVariable("CI") == "true" ? 100_000 : 5_000;

    /// <param name="make">The i-th mutant.</param>
    /// <param name="parse">Parses it, and throws anything but <see cref="ResNetException"/> where the result is not consistent.</param>
    /// <param name="allocationLimit">Bytes that a parse of so many bytes may allocate.</param>
    /// <param name="leastParsed">Share of mutants that at least must parse.</param>
    /// <param name="mostParsed">Share of mutants that at most may parse.</param>
    public static void Check(Func<int, byte[]> make, Action<byte[]> parse, Func<int, long> allocationLimit,
        double leastParsed = 0.02, double mostParsed = 0.5)
    {
        int parsed = 0;
        for (int i = 0; i < Mutants; i++)
        {
            byte[] mutant = make(i);
            long start = Stopwatch.GetTimestamp();
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                parse(mutant);
                parsed++;
            }
            catch (ResNetException e)
            {
                if (e.Message.Contains('\n') || !e.Message.StartsWith("mutant", StringComparison.Ordinal))
                    throw new InvalidOperationException(Describe(i, mutant, $"its message is '{e.Message}'"), e);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(Describe(i, mutant, $"threw {e.GetType().Name}"), e);
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (allocated > allocationLimit(mutant.Length))
                throw new InvalidOperationException(Describe(i, mutant, $"allocated {allocated} bytes"));
            if (Stopwatch.GetElapsedTime(start) > Hang)
                throw new InvalidOperationException(Describe(i, mutant, $"took {Stopwatch.GetElapsedTime(start)}"));
        }
        // Mutants that all parse, or that all fall at the first check, would test nothing.
        Assert.InRange(parsed, (int)(leastParsed * Mutants), (int)(mostParsed * Mutants));
    }

    private static string Describe(int index, byte[] mutant, string what) =>
        $"mutant {index} of {mutant.Length} bytes {what}: {Convert.ToHexString(mutant)}";
}
