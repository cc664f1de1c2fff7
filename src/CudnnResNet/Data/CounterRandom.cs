namespace CudnnResNet.Data;

/// <summary>
/// Random numbers by counter: the i-th number of a key needs no number before it, so a run resumes anywhere. SplitMix64 of
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), in Vigna's public-domain form.
/// </summary>
public readonly record struct CounterRandom(ulong Key)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>A key of its own for every pair.</summary>
    public static CounterRandom For(ulong seed, ulong first, ulong second) =>
        new(Mix(Mix(Mix(seed + Golden) ^ first) + Golden ^ second));

    /// <summary>The number that SplitMix64, seeded with the key, gives at its (counter + 1)-th call.</summary>
    public ulong this[ulong counter] => Mix(Key + (counter + 1) * Golden);

    /// <summary>From 0 to limit - 1; the bias is below limit / 2^64.</summary>
    public int Below(int limit, ulong counter) => (int)Math.BigMul(this[counter], (ulong)limit, out _);

    /// <summary>From 0 to below 1, in steps of 2^-53.</summary>
    public double Uniform(ulong counter) => (this[counter] >> 11) * (1.0 / (1L << 53));

    /// <summary>From the first number to the second.</summary>
    public double Between(double low, double high, ulong counter) => low + (high - low) * Uniform(counter);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
